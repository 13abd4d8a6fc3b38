import { IsNull, type DataSource, type EntityManager } from 'typeorm';
import { Fault } from '../platform/fault';
import { appendAudit, type Actor, type AuditFact } from './audit-record';
import { stopRecoveries } from './decide-recovery';
import type { DeliverySchedule } from './delivery-schedule';
import { emitEvent } from './publish-event';
import { run, statement } from './sql';
import { WebhookEndpoint } from './webhook-endpoint';

/** An organization's endpoint, locked until the transaction ends. Throws not_found; to a test key a live one is none. */
export async function lockEndpoint(
  tx: EntityManager,
  caller: { readonly orgId: string; readonly livemode: boolean },
  endpointId: string,
): Promise<WebhookEndpoint> {
  const endpoint = await tx.findOne(WebhookEndpoint, {
    where: { id: endpointId, orgId: caller.orgId, deletedAt: IsNull() },
    lock: { mode: 'pessimistic_write' },
  });
  if (!endpoint || (endpoint.livemode && !caller.livemode)) throw new Fault('not_found');
  return endpoint;
}

/** What is told of an endpoint in audit records and events; never its secrets. */
export function endpointFacts(endpoint: WebhookEndpoint): Record<string, unknown> {
  const { destinationUrl, description, subscribedEventTypes, status, livemode, maxPerSecond } =
    endpoint;
  return { destinationUrl, description, subscribedEventTypes, status, livemode, maxPerSecond };
}

/** Why an endpoint takes no more deliveries. */
export type DisableReason = 'by_hand' | 'gone' | 'failing';

interface Change {
  readonly endpoint: WebhookEndpoint;
  readonly requestId: string;
  readonly now: Date;
  readonly schedule: DeliverySchedule;
}

/** What became of an endpoint's recoveries, to be audited with the change by whoever made it. */
export type RecoveryFacts = Pick<AuditFact, 'action' | 'target' | 'after'>[];

/**
 * Disables a locked endpoint: it gets no new deliveries, waiting ones stay pending without using up attempts, and a
 * recovery is paused. Tells the organization's other endpoints. By itself (`gone`, `failing`) it also audits, as the
 * transaction's last act.
 */
export async function disableEndpoint(
  tx: EntityManager,
  {
    endpoint,
    reason,
    actor,
    requestId,
    now,
    schedule,
  }: Change & { reason: DisableReason; actor: Actor },
): Promise<RecoveryFacts> {
  const before = endpointFacts(endpoint);
  endpoint.status = 'disabled';
  endpoint.updatedAt = now;
  await tx.save(endpoint);
  const paused = await stopRecoveries(tx, endpoint.id, 'paused', now);
  await emitEvent(tx, {
    orgId: endpoint.orgId,
    livemode: endpoint.livemode,
    type: 'webhook_endpoint.disabled',
    data: { webhookId: endpoint.id, destinationUrl: endpoint.destinationUrl, reason },
    requestId,
    now,
    schedule,
    except: endpoint.id,
  });
  if (reason === 'by_hand') return paused;
  const fact = {
    action: 'webhook_endpoint.disabled',
    actor,
    target: { type: 'webhook_endpoint', id: endpoint.id },
    before,
    after: { ...endpointFacts(endpoint), reason },
    requestId,
  };
  const facts = [fact, ...paused.map((more) => ({ ...more, actor, requestId }))];
  await appendAudit(tx, endpoint.orgId, facts, now);
  return [];
}

const releaseWaiting = statement(
  'release-waiting',
  `WITH due AS (
     UPDATE webhook_deliveries SET next_at = $2
     WHERE endpoint_id = $1 AND status = 'pending' AND next_at IS NOT NULL
     RETURNING id, org_id, endpoint_id, event_type, has_workflow)
   INSERT INTO outbox (kind, ref, payload, due_at, created_at)
   SELECT 'signal_delivery', id, jsonb_build_object('orgId', org_id, 'endpointId', endpoint_id,
     'eventType', event_type, 'signal', jsonb_build_object('name', 'wake')), $2, $2
   FROM due WHERE has_workflow`,
);

/** Forgets that an endpoint was failing: it was enabled, or has moved. */
export function startAfresh(endpoint: WebhookEndpoint): void {
  endpoint.failingSince = null;
  endpoint.failingTold = 0;
}

/** Enables a locked endpoint: everything that waits for it is due now, and each waiting workflow is told. */
export async function enableEndpoint(
  tx: EntityManager,
  endpoint: WebhookEndpoint,
  now: Date,
): Promise<void> {
  endpoint.status = 'active';
  startAfresh(endpoint);
  endpoint.updatedAt = now;
  await tx.save(endpoint);
  await run(tx, releaseWaiting, [endpoint.id, now]);
}

const cancelWaiting = statement(
  'cancel-waiting',
  `WITH ended AS (
     UPDATE webhook_deliveries SET status = 'cancelled', next_at = NULL, finished_at = $2
     WHERE endpoint_id = ANY($1::text[]) AND status = 'pending'
     RETURNING id, org_id, endpoint_id, event_type, has_workflow)
   INSERT INTO outbox (kind, ref, payload, due_at, created_at)
   SELECT 'signal_delivery', id, jsonb_build_object('orgId', org_id, 'endpointId', endpoint_id,
     'eventType', event_type, 'signal', jsonb_build_object('name', 'cancel')), $2, $2
   FROM ended WHERE has_workflow`,
);

/**
 * Deletes a locked endpoint; its pending deliveries and a recovery are cancelled. What was delivered stays to be
 * looked at.
 */
export async function deleteEndpoint(
  tx: EntityManager,
  endpoint: WebhookEndpoint,
  now: Date,
): Promise<RecoveryFacts> {
  endpoint.status = 'disabled';
  endpoint.deletedAt = endpoint.updatedAt = now;
  await tx.save(endpoint);
  await run(tx, cancelWaiting, [[endpoint.id], now]);
  return stopRecoveries(tx, endpoint.id, 'cancelled', now);
}

const deletedWithWaiting = statement<{ id: string }>(
  'deleted-with-waiting',
  `SELECT p.id FROM webhook_endpoints p
   WHERE p.deleted_at > $1::timestamptz - interval '1 day' AND EXISTS (
     SELECT FROM webhook_deliveries d
     WHERE d.endpoint_id = p.id AND d.status = 'pending' AND NOT d.has_workflow)`,
);

/**
 * Cancels what was published to an endpoint in the very moment of its deletion: the publisher saw it still there.
 * Answers how many endpoints had such deliveries.
 */
export async function cancelOrphaned(db: DataSource, now: Date): Promise<number> {
  const endpoints = await run(db, deletedWithWaiting, [now]);
  if (endpoints.length > 0) await run(db, cancelWaiting, [endpoints.map(({ id }) => id), now]);
  return endpoints.length;
}
