import type { EntityManager } from 'typeorm';
import { DAY_MS, HOUR_MS } from '../platform/clock';
import { Artifact, type ArtifactKind, type ArtifactReport } from './artifact';
import type { DeliverySchedule } from './delivery-schedule';
import { eventIdAt } from './event-ids';
import { enqueue } from './outbox';
import { emitEvent } from './publish-event';
import { run, statement, type Executor } from './sql';

export interface NewArtifact {
  readonly id: string;
  readonly orgId: string;
  readonly livemode: boolean;
  readonly kind: ArtifactKind;
  readonly report: ArtifactReport;
  readonly since: Date | null;
  readonly until: Date | null;
  readonly storageMode: 'local' | 'r2';
  /** Names the caller's intent across retries: one artifact each. */
  readonly intent: string | null;
  readonly chargeId: string;
  readonly requestId: string;
  readonly requestedBy: string;
  readonly now: Date;
}

/**
 * $14: the least id of an event that is an hour younger than `until`. What was recorded before `until` was committed
 * before that event, so the build need not look any further.
 */
const insert = statement(
  'insert-artifact',
  `INSERT INTO artifacts (id, org_id, livemode, kind, report, since, until, storage_mode, intent, charge_id, request_id,
     requested_by, created_at, touched_at, up_to_seq, below_xid)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13,
     coalesce((SELECT seq FROM audit_heads WHERE org_id = $2), 0),
     least(pg_current_xact_id(), (SELECT xid FROM events WHERE id >= $14::text ORDER BY id LIMIT 1)))`,
);

/** An intent of yesterday is one no longer: the same key may begin another artifact. */
const forgetIntent = statement(
  'forget-artifact-intent',
  `UPDATE artifacts SET intent = NULL WHERE org_id = $1 AND intent = $2 AND created_at <= $3`,
);

/** Stores an artifact with its event and the command that builds it. What it takes in is fixed here. */
export async function createArtifact(
  tx: EntityManager,
  artifact: NewArtifact,
  schedule: DeliverySchedule,
): Promise<Artifact> {
  const { id, orgId, livemode, until, requestId, now } = artifact;
  if (artifact.intent !== null) {
    await run(tx, forgetIntent, [orgId, artifact.intent, new Date(now.getTime() - DAY_MS)]);
  }
  const isLog = artifact.report === 'events' || artifact.report === 'deliveries';
  await run(tx, insert, [
    id,
    orgId,
    livemode,
    artifact.kind,
    artifact.report,
    artifact.since,
    until,
    artifact.storageMode,
    artifact.intent,
    artifact.chargeId,
    requestId,
    artifact.requestedBy,
    now,
    isLog && until ? eventIdAt(until.getTime() + HOUR_MS) : null,
  ]);
  const stored = await tx.findOneByOrFail(Artifact, { id });
  await startBuild(tx, stored, now);
  await emitEvent(tx, {
    orgId,
    livemode,
    type: 'artifact.created',
    data: artifactFacts(stored),
    requestId,
    now,
    schedule,
  });
  return stored;
}

/** Asks for the workflow that builds it. */
export async function startBuild(tx: Executor, artifact: Artifact, now: Date): Promise<void> {
  const { id: ref, orgId, kind, report } = artifact;
  const payload = { orgId, summary: `${kind} of ${report} for ${orgId}` };
  await enqueue(tx, { kind: 'start_artifact', ref, payload }, now);
}

/** What events and audit records tell of an artifact. */
export function artifactFacts(artifact: Artifact) {
  const { id, kind, report, status, since, until, storageMode, error } = artifact;
  return {
    artifactId: id,
    kind,
    report,
    status,
    since: since?.toISOString() ?? null,
    until: until?.toISOString() ?? null,
    storageMode,
    checksumSha256: artifact.sha256,
    ...(error === null ? {} : { error }),
  };
}

const byIntent = statement<{ id: string }>(
  'artifact-by-intent',
  `SELECT id FROM artifacts WHERE org_id = $1 AND intent = $2 AND created_at > $3`,
);

/** The artifact that an intent became within a day, as long as an Idempotency-Key counts, or null. */
export async function artifactOfIntent(
  db: Executor,
  orgId: string,
  intent: string,
  now: Date,
): Promise<Artifact | null> {
  const [row] = await run(db, byIntent, [orgId, intent, new Date(now.getTime() - DAY_MS)]);
  return row ? db.getRepository(Artifact).findOneBy({ id: row.id }) : null;
}
