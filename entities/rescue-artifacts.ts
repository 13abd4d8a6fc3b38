import { run, statement, type Executor } from './sql';

/** How long a build may go without a sign of life before it counts as forgotten (ms). */
const FORGOTTEN_AFTER_MS = 120_000;

const rescue = statement<{ id: string }>(
  'rescue-artifacts',
  `WITH forgotten AS (
     UPDATE artifacts a SET touched_at = $1 WHERE a.id IN (
       SELECT id FROM artifacts WHERE status = 'pending' AND touched_at < $2
         AND NOT EXISTS (SELECT FROM outbox o WHERE o.ref = artifacts.id) LIMIT 100 FOR UPDATE SKIP LOCKED)
     RETURNING a.id, a.org_id, a.kind, a.report)
   INSERT INTO outbox (kind, ref, payload, due_at, created_at)
   SELECT 'start_artifact', id, jsonb_build_object('orgId', org_id,
     'summary', kind || ' of ' || report || ' for ' || org_id), $1, $1
   FROM forgotten RETURNING ref AS id`,
);

/** Asks anew for builds that should long have gone on: if Temporal lost its database, they do. Answers their ids. */
export async function rescueArtifacts(db: Executor, now: Date): Promise<string[]> {
  const rows = await run(db, rescue, [now, new Date(now.getTime() - FORGOTTEN_AFTER_MS)]);
  return rows.map(({ id }) => id);
}
