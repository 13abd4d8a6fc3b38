import type { ActorType, AuditRecord } from './audit-record';

/** A record of the audit chain as a JSON object. */
export interface AuditFields {
  readonly object: 'audit_record';
  readonly id: string;
  readonly seq: number;
  readonly recordedAt: string;
  readonly action: string;
  readonly actor: { readonly type: ActorType; readonly id: string | null };
  readonly target: { readonly type: string; readonly id: string };
  readonly before: Record<string, unknown> | null;
  readonly after: Record<string, unknown> | null;
  readonly requestId: string | null;
  readonly ip: string | null;
  readonly prevHash: string;
  readonly hash: string;
}

export function auditFields(row: AuditRecord): AuditFields {
  const factsOf = (text: string | null): Record<string, unknown> | null =>
    text === null ? null : (JSON.parse(text) as Record<string, unknown>);
  return {
    object: 'audit_record',
    id: row.id,
    seq: Number(row.seq),
    recordedAt: row.recordedAt.toISOString(),
    action: row.action,
    actor: { type: row.actorType, id: row.actorId },
    target: { type: row.targetType, id: row.targetId },
    before: factsOf(row.before),
    after: factsOf(row.after),
    requestId: row.requestId,
    ip: row.ip,
    prevHash: row.prevHash,
    hash: row.hash,
  };
}
