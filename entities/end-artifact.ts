import type { DataSource, EntityManager } from 'typeorm';
import { Artifact, artifactObjectKey } from './artifact';
import { appendAudit } from './audit-record';
import { artifactFacts, startBuild } from './create-artifact';
import type { DeliverySchedule } from './delivery-schedule';
import { emitEvent } from './publish-event';
import { run, statement, type Executor } from './sql';

/** What is known of a finished file. */
export interface BuiltFile {
  readonly records: number;
  readonly byteLength: number;
  readonly lineCount: number;
  readonly sha1: string;
  readonly sha256: string;
}

const progress = statement(
  'artifact-progress',
  `UPDATE artifacts SET records = $2, total_records = $3, touched_at = $4 WHERE id = $1 AND status = 'pending'`,
);

/** Tells on the row how far a build has come. */
export async function noteProgress(
  db: Executor,
  id: string,
  written: { readonly records: number; readonly total: number },
  now: Date,
): Promise<void> {
  await run(db, progress, [id, written.records, written.total, now]);
}

const ready = statement<{ id: string }>(
  'artifact-ready',
  `UPDATE artifacts SET status = 'ready', error = NULL, object_key = $2, records = $3, total_records = $3,
     byte_length = $4, line_count = $5, sha1 = $6, sha256 = $7, finished_at = $8, touched_at = $8
   WHERE id = $1 AND status = 'pending' RETURNING id`,
);

const failed = statement<{ id: string }>(
  'artifact-failed',
  `UPDATE artifacts SET status = 'failed', error = left($2, 500), finished_at = $3, touched_at = $3
   WHERE id = $1 AND status = 'pending' RETURNING id`,
);

/** Ends a build whose file is stored; whoever comes first decides. Answers whether this call did. */
export function finishArtifact(
  db: DataSource,
  artifact: Artifact,
  file: BuiltFile,
  now: Date,
  schedule: DeliverySchedule,
): Promise<boolean> {
  const { records, byteLength, lineCount, sha1, sha256 } = file;
  const key = artifactObjectKey(artifact);
  return end(db, artifact, now, schedule, (tx) =>
    run(tx, ready, [artifact.id, key, records, byteLength, lineCount, sha1, sha256, now]),
  );
}

/** Ends a build that can't be finished. The same otherwise. */
export function failArtifact(
  db: DataSource,
  artifact: Artifact,
  reason: string,
  now: Date,
  schedule: DeliverySchedule,
): Promise<boolean> {
  return end(db, artifact, now, schedule, (tx) => run(tx, failed, [artifact.id, reason, now]));
}

const SYSTEM = { type: 'system', id: null } as const;

async function end(
  db: DataSource,
  { id, repairRequestId, requestId }: Artifact,
  now: Date,
  schedule: DeliverySchedule,
  change: (tx: EntityManager) => Promise<readonly unknown[]>,
): Promise<boolean> {
  return db.transaction(async (tx) => {
    if ((await change(tx)).length === 0) return false;
    const artifact = await tx.findOneByOrFail(Artifact, { id });
    const isRepaired = repairRequestId !== null && artifact.status === 'ready';
    const cause = { requestId: repairRequestId ?? requestId, now, schedule };
    if (isRepaired) await emitReconciled(tx, artifact, 'recovered', cause);
    else await emitChange(tx, artifact, `artifact.${artifact.status}`, {}, cause);
    const fact = {
      action: isRepaired ? 'artifact.reconciled' : `artifact.${artifact.status}`,
      actor: SYSTEM,
      target: { type: 'artifact', id },
      before: { status: 'pending' },
      after: artifactFacts(artifact),
      requestId: cause.requestId,
    };
    await appendAudit(tx, artifact.orgId, [fact], now);
    return true;
  });
}

interface Cause {
  readonly requestId: string;
  readonly now: Date;
  readonly schedule: DeliverySchedule;
}

/** Tells the organization how its artifact was found, or made again. */
export function emitReconciled(
  tx: Executor,
  artifact: Artifact,
  outcome: 'local_only' | 'synced' | 'recovered',
  cause: Cause,
): Promise<void> {
  return emitChange(tx, artifact, 'artifact.reconciled', { outcome }, cause);
}

async function emitChange(
  tx: Executor,
  artifact: Artifact,
  type: string,
  more: object,
  cause: Cause,
): Promise<void> {
  const { orgId, livemode } = artifact;
  await emitEvent(tx, {
    orgId,
    livemode,
    type,
    data: { ...artifactFacts(artifact), ...more },
    ...cause,
  });
}

const restore = statement(
  'artifact-restore',
  `UPDATE artifacts SET status = 'ready', error = NULL, touched_at = $2 WHERE id = $1 AND status = 'failed'`,
);

/** Its file is whole after all. */
export async function restoreArtifact(tx: Executor, id: string, now: Date): Promise<void> {
  await run(tx, restore, [id, now]);
}

const rebuild = statement<{ id: string }>(
  'artifact-rebuild',
  `UPDATE artifacts SET status = 'pending', error = NULL, records = 0, repair_request_id = $2, touched_at = $3
   WHERE id = $1 AND status <> 'pending' RETURNING id`,
);

/** Has it built anew from the same range; what it must come out as stays known. Answers whether this call asked. */
export async function rebuildArtifact(
  tx: EntityManager,
  artifact: Artifact,
  requestId: string,
  now: Date,
): Promise<boolean> {
  if ((await run(tx, rebuild, [artifact.id, requestId, now])).length === 0) return false;
  await startBuild(tx, artifact, now);
  return true;
}
