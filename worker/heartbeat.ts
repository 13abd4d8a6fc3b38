import { run, statement, type Executor } from '../entities/sql';

const beat = statement(
  'worker-heartbeat',
  `WITH gone AS (DELETE FROM worker_heartbeats WHERE seen_at < $3::timestamptz - interval '1 hour')
   INSERT INTO worker_heartbeats (worker_id, temporal, seen_at) VALUES ($1, $2, $3)
   ON CONFLICT (worker_id) DO UPDATE SET temporal = $2, seen_at = $3`,
);

/** Says that this worker lives, and whether it has Temporal: what the API's /readyz shows. */
export async function writeHeartbeat(
  db: Executor,
  workerId: string,
  temporal: 'up' | 'away',
  now: Date,
): Promise<void> {
  await run(db, beat, [workerId, temporal, now]);
}
