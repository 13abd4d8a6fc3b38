import { Artifact, type ArtifactKind, type ArtifactStatus } from './artifact';
import { run, statement, type Executor } from './sql';

/** Artifacts of one kind, status and storage. */
export interface ArtifactSummaryRow {
  readonly kind: ArtifactKind;
  readonly status: ArtifactStatus;
  readonly storageMode: Artifact['storageMode'];
  readonly totalBytes: number;
  readonly count: number;
}

const summary = statement<{
  kind: ArtifactKind;
  status: ArtifactStatus;
  storage_mode: Artifact['storageMode'];
  total_bytes: string;
  count: number;
}>(
  'artifact-summary',
  `SELECT kind, status, storage_mode, coalesce(sum(byte_length), 0) AS total_bytes, count(*)::int AS count
   FROM artifacts WHERE org_id = $1 AND (NOT $2 OR NOT livemode)
   GROUP BY kind, status, storage_mode ORDER BY kind, status, storage_mode`,
);

export async function summarizeArtifacts(
  db: Executor,
  orgId: string,
  testOnly: boolean,
): Promise<ArtifactSummaryRow[]> {
  const rows = await run(db, summary, [orgId, testOnly]);
  return rows.map((row) => ({
    kind: row.kind,
    status: row.status,
    storageMode: row.storage_mode,
    totalBytes: Number(row.total_bytes),
    count: row.count,
  }));
}

/** The artifacts that a request asked for or had repaired, oldest first. */
export async function artifactsOfRequest(
  db: Executor,
  orgId: string,
  requestId: string,
  testOnly: boolean,
): Promise<Artifact[]> {
  const mine = { orgId, ...(testOnly ? { livemode: false } : {}) };
  return db.getRepository(Artifact).find({
    where: [
      { ...mine, requestId },
      { ...mine, repairRequestId: requestId },
    ],
    order: { id: 'ASC' },
    take: 200,
  });
}
