import { createHash } from 'node:crypto';
import { Column, Entity, PrimaryColumn, type EntityManager } from 'typeorm';
import { canonicalJson } from '../platform/canonical-json';
import { newId } from '../platform/ids';
import { run, statement } from './sql';

export type ActorType = 'api_key' | 'user' | 'operator' | 'system' | 'stripe';

export interface Actor {
  readonly type: ActorType;
  readonly id: string | null;
}

/** A change that happened, chained by hash to the one before it in the same organization. */
@Entity('audit_records')
export class AuditRecord {
  @PrimaryColumn({ name: 'org_id', type: 'text' }) readonly orgId!: string;
  @PrimaryColumn({ type: 'bigint' }) readonly seq!: string;
  @Column({ type: 'text' }) readonly id!: string;
  @Column({ name: 'recorded_at', type: 'timestamptz' }) readonly recordedAt!: Date;
  @Column({ type: 'text' }) readonly action!: string;
  @Column({ name: 'actor_type', type: 'text' }) readonly actorType!: ActorType;
  @Column({ name: 'actor_id', type: 'text', nullable: true }) readonly actorId!: string | null;
  @Column({ name: 'target_type', type: 'text' }) readonly targetType!: string;
  @Column({ name: 'target_id', type: 'text' }) readonly targetId!: string;
  /** Canonical JSON (RFC 8785), so that its hash can be computed again from what is stored. */
  @Column({ type: 'text', nullable: true }) readonly before!: string | null;
  @Column({ type: 'text', nullable: true }) readonly after!: string | null;
  @Column({ name: 'request_id', type: 'text', nullable: true }) readonly requestId!: string | null;
  @Column({ type: 'text', nullable: true }) readonly ip!: string | null;
  @Column({ name: 'prev_hash', type: 'text' }) readonly prevHash!: string;
  @Column({ type: 'text' }) readonly hash!: string;
}

export interface AuditFact {
  readonly action: string;
  readonly actor: Actor;
  readonly target: { readonly type: string; readonly id: string };
  readonly before?: Record<string, unknown> | null;
  readonly after?: Record<string, unknown> | null;
  readonly requestId?: string | null;
  readonly ip?: string | null;
}

/** A change as the log tells it: what, on what, by whom; never what it held. */
export function changeLine(orgId: string, { action, actor, target, requestId }: AuditFact): object {
  return { orgId, action, actor, target, requestId };
}

/** The hash before an organization's first record. */
export const CHAIN_START = '0'.repeat(64);

const lockHead = statement<{ seq: string; hash: string }>(
  'audit-lock-head',
  `INSERT INTO audit_heads AS h (org_id, seq, hash) VALUES ($1, 0, $2)
   ON CONFLICT (org_id) DO UPDATE SET seq = h.seq RETURNING seq, hash`,
);
const append = statement(
  'audit-append',
  `WITH record AS (
     INSERT INTO audit_records (org_id, seq, id, recorded_at, action, actor_type, actor_id, target_type,
       target_id, before, after, request_id, ip, prev_hash, hash)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15))
   UPDATE audit_heads SET seq = $2, hash = $15 WHERE org_id = $1`,
);

/**
 * Appends facts to the organization's chain. Locks the chain's head until the transaction ends, so call it last,
 * just before commit.
 */
export async function appendAudit(
  tx: EntityManager,
  orgId: string,
  facts: readonly AuditFact[],
  now: Date,
): Promise<void> {
  if (facts.length === 0) return;
  const [head] = await run(tx, lockHead, [orgId, CHAIN_START]);
  let seq = BigInt(head?.seq ?? 0);
  let prevHash = head?.hash ?? CHAIN_START;
  for (const fact of facts) {
    seq += 1n;
    const link = {
      orgId,
      seq: String(seq),
      id: newId('aud'),
      recordedAt: now.toISOString(),
      action: fact.action,
      actor: fact.actor,
      target: fact.target,
      before: fact.before ? canonicalJson(fact.before) : null,
      after: fact.after ? canonicalJson(fact.after) : null,
      requestId: fact.requestId ?? null,
      ip: fact.ip ?? null,
    };
    const hash = linkHash(prevHash, link);
    await run(tx, append, [
      orgId,
      link.seq,
      link.id,
      now,
      link.action,
      link.actor.type,
      link.actor.id,
      link.target.type,
      link.target.id,
      link.before,
      link.after,
      link.requestId,
      link.ip,
      prevHash,
      hash,
    ]);
    prevHash = hash;
  }
}

interface Link {
  readonly orgId: string;
  readonly seq: string;
  readonly id: string;
  readonly recordedAt: string;
  readonly action: string;
  readonly actor: Actor;
  readonly target: { readonly type: string; readonly id: string };
  readonly before: string | null;
  readonly after: string | null;
  readonly requestId: string | null;
  readonly ip: string | null;
}

/** SHA-256 (hex) over the previous hash and the record's canonical JSON. */
export function linkHash(prevHash: string, link: Link): string {
  return createHash('sha256').update(prevHash).update(canonicalJson(link)).digest('hex');
}
