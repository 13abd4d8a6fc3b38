import { run, statement, type Executor } from './sql';

/** What a request set going beside events and attempts, by kind: `details` are the words that tell it. */
export interface RequestFact {
  readonly kind:
    | 'delivery'
    | 'delivery_due'
    | 'delivery_ended'
    | 'replay'
    | 'recovery'
    | 'recovery_ended'
    | 'charge'
    | 'charge_settled'
    | 'usage'
    | 'approval'
    | 'approval_ended'
    | 'checkout'
    | 'checkout_ended'
    | 'mail'
    | 'mail_sent';
  readonly at: Date;
  readonly details: Readonly<Record<string, string | number | null>>;
}

/** $1 organization, $2 request, $3 test mode only. Billing and mails are live. */
const facts = statement<RequestFact>(
  'request-facts',
  `WITH mine AS (
     SELECT d.*, p.destination_url AS url FROM webhook_deliveries d
     LEFT JOIN webhook_endpoints p ON p.id = d.endpoint_id
     WHERE d.request_id = $2 AND d.org_id = $1 AND (NOT $3 OR NOT d.livemode) LIMIT 200),
   asked AS (
     SELECT r.* FROM webhook_replays r JOIN webhook_deliveries d ON d.id = r.delivery_id
     WHERE r.request_id = $2 AND r.org_id = $1 AND (NOT $3 OR NOT d.livemode)
     UNION SELECT r.* FROM webhook_replays r WHERE r.delivery_id IN (SELECT id FROM mine) LIMIT 200)
   SELECT * FROM (
     SELECT 'delivery' AS kind, created_at AS at,
       jsonb_build_object('id', id, 'eventType', event_type, 'url', url) AS details FROM mine
     UNION ALL
     SELECT 'delivery_due', next_at, jsonb_build_object('id', id, 'attempt', attempts + 1, 'url', url) FROM mine
     WHERE status = 'pending' AND next_at IS NOT NULL
     UNION ALL
     SELECT 'delivery_ended', finished_at, jsonb_build_object('id', id, 'status', status, 'attempts', attempts)
     FROM mine WHERE status <> 'pending' AND finished_at IS NOT NULL
     UNION ALL
     SELECT 'replay', requested_at, jsonb_build_object('id', delivery_id, 'by', requested_by, 'request', request_id,
       'recovery', recovery_id, 'status', status) FROM asked
     UNION ALL
     SELECT 'recovery', created_at, jsonb_build_object('id', id, 'endpoint', endpoint_id, 'total', total)
     FROM webhook_recoveries WHERE request_id = $2 AND org_id = $1 AND (NOT $3 OR NOT livemode)
     UNION ALL
     SELECT 'recovery_ended', finished_at, jsonb_build_object('id', id, 'status', status, 'succeeded', succeeded,
       'failed', failed)
     FROM webhook_recoveries WHERE request_id = $2 AND org_id = $1 AND (NOT $3 OR NOT livemode) AND finished_at IS NOT NULL
     UNION ALL
     SELECT 'charge', created_at, jsonb_build_object('id', id, 'units', units, 'meterClass', meter_class, 'micros',
       amount_micros, 'reserved', CASE WHEN expires_at IS NULL THEN 0 ELSE 1 END)
     FROM charges WHERE request_id = $2 AND org_id = $1 AND (NOT $3 OR NOT livemode)
     UNION ALL
     SELECT 'charge_settled', settled_at, jsonb_build_object('id', id, 'status', status)
     FROM charges WHERE request_id = $2 AND org_id = $1 AND (NOT $3 OR NOT livemode) AND expires_at IS NOT NULL
       AND settled_at IS NOT NULL
     UNION ALL
     SELECT 'usage', recorded_at, jsonb_build_object('id', event_id, 'units', units, 'meterClass', meter_class)
     FROM usage_events WHERE request_id = $2 AND org_id = $1 AND (NOT $3 OR NOT livemode)
     UNION ALL
     SELECT 'approval', created_at, jsonb_build_object('id', id, 'thresholdCents', threshold_cents)
     FROM budget_approvals WHERE request_id = $2 AND org_id = $1 AND NOT $3
     UNION ALL
     SELECT 'approval_ended', decided_at, jsonb_build_object('id', id, 'status', status, 'by', decided_by)
     FROM budget_approvals WHERE request_id = $2 AND org_id = $1 AND NOT $3 AND decided_at IS NOT NULL
     UNION ALL
     SELECT 'checkout', created_at, jsonb_build_object('id', id, 'plan', plan_key)
     FROM checkouts WHERE request_id = $2 AND org_id = $1 AND NOT $3
     UNION ALL
     SELECT 'checkout_ended', finished_at, jsonb_build_object('id', id, 'status', status)
     FROM checkouts WHERE request_id = $2 AND org_id = $1 AND NOT $3 AND finished_at IS NOT NULL
     UNION ALL
     SELECT 'mail', created_at, jsonb_build_object('id', id, 'subject', subject)
     FROM mails WHERE request_id = $2 AND org_id = $1 AND NOT $3
     UNION ALL
     SELECT 'mail_sent', sent_at, jsonb_build_object('id', id, 'subject', subject)
     FROM mails WHERE request_id = $2 AND org_id = $1 AND NOT $3 AND sent_at IS NOT NULL) told
   ORDER BY at LIMIT 500`,
);

/** Everything of an organization's tables that carries the request's id, in the order of time. */
export function factsOfRequest(
  db: Executor,
  orgId: string,
  requestId: string,
  testOnly: boolean,
): Promise<RequestFact[]> {
  return run(db, facts, [orgId, requestId, testOnly]);
}
