import { run, statement, type Executor } from './sql';
import type { DeliveryStatus } from './webhook-delivery';

/** A delivery as its workflow sees it. Plain JSON, times in ms since 1970; no body and no secret. */
export interface DeliveryView {
  readonly endpointId: string;
  readonly status: DeliveryStatus;
  /** Scheduled outcomes so far. */
  readonly step: number;
  /** Attempts that the schedule has in all. */
  readonly steps: number;
  readonly attempts: number;
  readonly nextAt: number | null;
  readonly windowEndsAt: number;
  /** Until when an attempt that is being made keeps others out. */
  readonly claimedUntil: number | null;
  readonly endpoint: 'active' | 'disabled' | 'deleted' | 'suspended';
  readonly lastError: string | null;
  /** Whether the endpoint takes only so many attempts a second. */
  readonly paced: boolean;
}

interface ViewRow {
  readonly endpoint_id: string;
  readonly status: DeliveryStatus;
  readonly step: number;
  readonly steps: number;
  readonly attempts: number;
  readonly next_at: Date | null;
  readonly window_ends_at: Date;
  readonly claimed_until: Date | null;
  readonly endpoint: DeliveryView['endpoint'];
  readonly last_error: string | null;
  readonly paced: boolean;
}

const select = statement<ViewRow>(
  'delivery-view',
  `SELECT d.endpoint_id, d.status, d.step, cardinality(d.schedule) + 1 AS steps, d.attempts, d.next_at, d.window_ends_at,
     d.claimed_until, p.max_per_second IS NOT NULL AS paced,
     CASE WHEN p.deleted_at IS NOT NULL THEN 'deleted'
       WHEN p.status = 'active' AND o.suspended_at IS NOT NULL THEN 'suspended' ELSE p.status END AS endpoint,
     (SELECT a.error FROM webhook_attempts a WHERE a.delivery_id = d.id ORDER BY a.attempt DESC LIMIT 1)
       AS last_error
   FROM webhook_deliveries d
   JOIN webhook_endpoints p ON p.id = d.endpoint_id
   JOIN organizations o ON o.id = d.org_id
   WHERE d.id = $1`,
);

/** The delivery as it stands, or null where retention has dropped it. */
export async function viewDelivery(db: Executor, deliveryId: string): Promise<DeliveryView | null> {
  const [row] = await run(db, select, [deliveryId]);
  if (!row) return null;
  return {
    endpointId: row.endpoint_id,
    status: row.status,
    step: row.step,
    steps: row.steps,
    attempts: row.attempts,
    nextAt: row.next_at?.getTime() ?? null,
    windowEndsAt: row.window_ends_at.getTime(),
    claimedUntil: row.claimed_until?.getTime() ?? null,
    endpoint: row.endpoint,
    lastError: row.last_error,
    paced: row.paced,
  };
}
