import { run, statement, type Executor } from './sql';

/** How long past its time a delivery may be before it counts as forgotten (ms). */
const FORGOTTEN_AFTER_MS = 120_000;

const rescue = statement<{ id: string }>(
  'rescue-deliveries',
  `WITH forgotten AS (
     SELECT d.id, d.org_id, d.endpoint_id, d.event_type, d.next_at FROM webhook_deliveries d
     JOIN webhook_endpoints p ON p.id = d.endpoint_id AND p.status = 'active' AND p.deleted_at IS NULL
     WHERE d.status = 'pending' AND d.has_workflow AND d.next_at < $2
       AND (d.claimed_until IS NULL OR d.claimed_until < $2)
       AND NOT EXISTS (SELECT FROM outbox o WHERE o.ref = d.id)
     ORDER BY d.next_at LIMIT 100)
   INSERT INTO outbox (kind, ref, payload, due_at, created_at)
   SELECT 'start_delivery', id, jsonb_build_object('orgId', org_id, 'endpointId', endpoint_id,
     'eventType', event_type), next_at, $1
   FROM forgotten RETURNING ref AS id`,
);

/**
 * Asks anew for the workflows of deliveries that should long have been tried: if Temporal lost its database, what it
 * carried goes on. A workflow that runs takes no harm. Answers the deliveries' ids, at most 100.
 */
export async function rescueDeliveries(db: Executor, now: Date): Promise<string[]> {
  const rows = await run(db, rescue, [now, new Date(now.getTime() - FORGOTTEN_AFTER_MS)]);
  return rows.map((row) => row.id);
}
