import { Fault } from '../platform/fault';
import { newId } from '../platform/ids';
import { hashKeySecret } from './api-key';
import { isCheckedSecret, newCheckedSecret } from './checked-secret';
import { run, statement, type Executor } from './sql';

const PREFIX = 'secapi_ticket_';
export const TICKET_SECONDS = 60;

export interface IssuedTicket {
  readonly id: string;
  /** `secapi_ticket_…`: shown once, stored as a SHA-256. */
  readonly token: string;
  readonly expiresAt: Date;
}

const issue = statement<Record<string, never>>(
  'issue-stream-ticket',
  `INSERT INTO stream_tickets (id, org_id, livemode, principal_id, hash, issued_at, expires_at)
   VALUES ($1, $2, $3, $4, $5, $6, $7)`,
);

/** A ticket for one socket of the principal, to be used within 60 s. */
export async function issueTicket(
  db: Executor,
  holder: { readonly orgId: string; readonly livemode: boolean; readonly principalId: string },
  now: Date,
): Promise<IssuedTicket> {
  const { orgId, livemode, principalId } = holder;
  const id = newId('tkt');
  const token = newCheckedSecret(PREFIX);
  const expiresAt = new Date(now.getTime() + TICKET_SECONDS * 1_000);
  const hash = hashKeySecret(token);
  await run(db, issue, [id, orgId, livemode, principalId, hash, now, expiresAt]);
  return { id, token, expiresAt };
}

/** Whether the row `t` is of a key that works at `$2`, or of a person who is still a member. */
export const PRINCIPAL_STANDS = `(
  EXISTS (SELECT FROM api_keys k WHERE k.id = t.principal_id AND k.status = 'active'
    AND (k.expires_at IS NULL OR k.expires_at > $2))
  OR EXISTS (SELECT FROM members m WHERE m.user_id = t.principal_id AND m.org_id = t.org_id))`;

/** A ticket that can be used, and for whom. */
export interface StreamTicket {
  readonly id: string;
  readonly orgId: string;
  readonly livemode: boolean;
  readonly principalId: string;
  readonly ipAllowlist: readonly string[] | null;
}

const find = statement<{
  id: string;
  org_id: string;
  livemode: boolean;
  principal_id: string;
  ip_allowlist: string[] | null;
}>(
  'find-stream-ticket',
  `SELECT t.id, t.org_id, t.livemode, t.principal_id, a.ip_allowlist
   FROM stream_tickets t LEFT JOIN api_keys a ON a.id = t.principal_id
   WHERE t.hash = $1 AND t.used_at IS NULL AND t.expires_at > $2 AND ${PRINCIPAL_STANDS}`,
);

/** Finds a ticket without using it. Throws authentication_failed for a used, expired or unknown one alike. */
export async function findTicket(db: Executor, token: string, now: Date): Promise<StreamTicket> {
  const [row] =
    token.startsWith(PREFIX) && isCheckedSecret(token)
      ? await run(db, find, [hashKeySecret(token), now])
      : [];
  if (!row) throw ticketRefused();
  return {
    id: row.id,
    orgId: row.org_id,
    livemode: row.livemode,
    principalId: row.principal_id,
    ipAllowlist: row.ip_allowlist,
  };
}

export function ticketRefused(): Fault {
  return new Fault('authentication_failed', {
    message: 'This ticket is not valid.',
    hint: 'A ticket opens one socket within 60 seconds; ask POST /v1/stream/tickets for another.',
  });
}
