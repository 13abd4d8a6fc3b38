import { newId } from '../platform/ids';
import type { SecretBox } from '../platform/secret-box';
import { enqueue } from './outbox';
import { run, statement, type Executor } from './sql';

/** A mail to be sent once the change that asks for it is committed. */
export interface NewMail {
  readonly orgId: string;
  readonly recipients: readonly string[];
  readonly subject: string;
  readonly text: string;
  /** The request that asked for it, where one did. */
  readonly requestId?: string | undefined;
}

const insertMail = statement(
  'insert-mail',
  `INSERT INTO mails (id, org_id, recipients, subject, body_sealed, created_at, request_id)
   VALUES ($1, $2, $3, $4, $5, $6, $7)`,
);

/** Commits a mail with the change: its text is sealed, since it may hold a token, and forgotten once it was sent. */
export async function queueMail(
  tx: Executor,
  mail: NewMail,
  secrets: SecretBox,
  now: Date,
): Promise<string> {
  const id = newId('mail');
  const sealed = secrets.seal(mail.text, id);
  await run(tx, insertMail, [
    id,
    mail.orgId,
    [...mail.recipients],
    mail.subject,
    sealed,
    now,
    mail.requestId ?? null,
  ]);
  const payload = { orgId: mail.orgId, subject: mail.subject };
  await enqueue(tx, { kind: 'send_mail', ref: id, payload }, now);
  return id;
}

const readMail = statement<{ recipients: string[]; subject: string; body_sealed: string | null }>(
  'read-mail',
  `SELECT recipients, subject, body_sealed FROM mails WHERE id = $1 AND sent_at IS NULL`,
);

/** A mail that has not been sent yet; null where it has, or there is none. */
export async function readUnsentMail(
  db: Executor,
  id: string,
  secrets: SecretBox,
): Promise<{ recipients: string[]; subject: string; text: string } | null> {
  const [row] = await run(db, readMail, [id]);
  if (!row?.body_sealed) return null;
  const { recipients, subject, body_sealed } = row;
  return { recipients, subject, text: secrets.open(body_sealed, id) };
}

const markSent = statement(
  'mark-mail-sent',
  `UPDATE mails SET sent_at = $2, body_sealed = NULL WHERE id = $1 AND sent_at IS NULL`,
);

export async function markMailSent(db: Executor, id: string, now: Date): Promise<void> {
  await run(db, markSent, [id, now]);
}
