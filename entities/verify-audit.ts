import { CHAIN_START, linkHash, type ActorType } from './audit-record';
import { run, statement, type Executor } from './sql';

/** What a walk over an organization's audit chain found. */
export interface AuditVerification {
  readonly ok: boolean;
  /** Records that were checked. */
  readonly records: number;
  /** The hash that the chain's head holds. */
  readonly headHash: string;
  readonly firstBad: { readonly seq: number; readonly reason: string } | null;
}

interface Row {
  readonly seq: string;
  readonly id: string;
  readonly recorded_at: Date;
  readonly action: string;
  readonly actor_type: ActorType;
  readonly actor_id: string | null;
  readonly target_type: string;
  readonly target_id: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly request_id: string | null;
  readonly ip: string | null;
  readonly prev_hash: string;
  readonly hash: string;
}

const BATCH = 1_000;
const readHead = statement<{ seq: string; hash: string }>(
  'audit-read-head',
  `SELECT seq, hash FROM audit_heads WHERE org_id = $1`,
);
const readBatch = statement<Row>(
  'audit-read-batch',
  `SELECT * FROM audit_records WHERE org_id = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT ${BATCH}`,
);

/**
 * Walks the chain from its start to its head, a thousand records at a time, and computes every hash anew. Names the
 * first record that was changed, moved or taken away. What is appended meanwhile is not looked at.
 */
export async function verifyAudit(db: Executor, orgId: string): Promise<AuditVerification> {
  const [head] = await run(db, readHead, [orgId]);
  const headHash = head?.hash ?? CHAIN_START;
  const last = Number(head?.seq ?? 0);
  let previous = CHAIN_START;
  let seq = 0;
  const bad = (at: number, reason: string): AuditVerification => ({
    ok: false,
    records: seq,
    headHash,
    firstBad: { seq: at, reason },
  });
  while (seq < last) {
    const rows = await run(db, readBatch, [orgId, seq, last]);
    if (rows.length === 0) return bad(seq + 1, 'the record is missing');
    for (const row of rows) {
      if (Number(row.seq) !== seq + 1) return bad(seq + 1, 'the record is missing');
      const fault = faultOf(orgId, row, previous);
      if (fault) return bad(seq + 1, fault);
      previous = row.hash;
      seq++;
    }
  }
  if (previous !== headHash) return bad(last, 'the head of the chain holds another hash');
  return { ok: true, records: seq, headHash, firstBad: null };
}

function faultOf(orgId: string, row: Row, previous: string): string | null {
  if (row.prev_hash !== previous) return 'it does not follow the record before it';
  const hash = linkHash(previous, {
    orgId,
    seq: row.seq,
    id: row.id,
    recordedAt: row.recorded_at.toISOString(),
    action: row.action,
    actor: { type: row.actor_type, id: row.actor_id },
    target: { type: row.target_type, id: row.target_id },
    before: row.before,
    after: row.after,
    requestId: row.request_id,
    ip: row.ip,
  });
  return hash === row.hash ? null : 'its content does not match its hash';
}

const organizationsWithRecords = statement<{ org_id: string }>(
  'audit-organizations',
  `SELECT org_id FROM audit_heads WHERE org_id > $1 ORDER BY org_id LIMIT ${BATCH}`,
);

/** Every organization that has a chain, in batches. */
export async function* auditedOrganizations(db: Executor): AsyncGenerator<string> {
  let after = '';
  for (;;) {
    const rows = await run(db, organizationsWithRecords, [after]);
    for (const { org_id } of rows) yield org_id;
    const last = rows.at(-1);
    if (!last) return;
    after = last.org_id;
  }
}
