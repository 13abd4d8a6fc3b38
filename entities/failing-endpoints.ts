import { IsNull, type EntityManager } from 'typeorm';
import { HOUR_MS } from '../platform/clock';
import { newId } from '../platform/ids';
import type { SecretBox } from '../platform/secret-box';
import { appendAudit, type AuditFact } from './audit-record';
import { billingManagers } from './billing-managers';
import type { DeliverySchedule } from './delivery-schedule';
import { disableEndpoint } from './endpoint-lifecycle';
import { queueMail } from './mail';
import { emitEvent } from './publish-event';
import { run, statement, type Executor } from './sql';
import { WebhookEndpoint } from './webhook-endpoint';

/** Hours of nothing but failures after which the organization is told, once each. */
export const TOLD_AFTER_HOURS = [24, 72] as const;
/** Hours of nothing but failures after which an endpoint that still fails is disabled. */
export const DISABLED_AFTER_HOURS = 120;

/** Whether it was tried, and failed, after the time was up: one that is merely idle stays. */
const STILL_FAILS = `(SELECT a.created_at FROM webhook_attempts a WHERE a.endpoint_id = p.id ORDER BY a.id DESC LIMIT 1)
  >= p.failing_since + interval '${DISABLED_AFTER_HOURS} h'`;

const findDue = statement<{ id: string }>(
  'failing-endpoints',
  `SELECT p.id FROM webhook_endpoints p JOIN organizations o ON o.id = p.org_id AND o.suspended_at IS NULL
   WHERE p.failing_since IS NOT NULL AND p.status = 'active' AND p.deleted_at IS NULL
     AND p.failing_since <= $1::timestamptz - make_interval(hours => CASE WHEN p.failing_told < 24 THEN 24
       WHEN p.failing_told < 72 THEN 72 ELSE ${DISABLED_AFTER_HOURS} END)
     AND (p.failing_told < 72 OR ${STILL_FAILS})
   ORDER BY p.failing_since LIMIT 100`,
);

/** Endpoints of which there is something to tell, at most 100. */
export async function endpointsFailingTooLong(db: Executor, now: Date): Promise<string[]> {
  return (await run(db, findDue, [now])).map(({ id }) => id);
}

const stillFails = statement<{ fails: boolean | null }>(
  'endpoint-still-fails',
  `SELECT ${STILL_FAILS} AS fails FROM webhook_endpoints p WHERE p.id = $1`,
);

/**
 * Tells what is due of an endpoint that has had nothing but failures: an event for each mark, and one mail to the
 * billing managers; after five days it is disabled. Whoever locks the endpoint first tells; safe to repeat.
 */
export async function tellFailing(
  tx: EntityManager,
  endpointId: string,
  options: {
    readonly now: Date;
    readonly schedule: DeliverySchedule;
    readonly secrets: SecretBox;
  },
): Promise<void> {
  const { now, schedule, secrets } = options;
  const endpoint = await tx.findOne(WebhookEndpoint, {
    where: { id: endpointId, status: 'active', deletedAt: IsNull() },
    lock: { mode: 'pessimistic_write' },
  });
  if (!endpoint?.failingSince) return;
  const hours = (now.getTime() - endpoint.failingSince.getTime()) / HOUR_MS;
  const due = TOLD_AFTER_HOURS.filter((mark) => mark > endpoint.failingTold && mark <= hours);
  const requestId = newId('req');
  const actor = { type: 'system', id: null } as const;
  const facts: AuditFact[] = [];
  for (const mark of due) {
    endpoint.failingTold = mark;
    const data = failingFacts(endpoint, mark);
    await emitEvent(tx, {
      orgId: endpoint.orgId,
      livemode: endpoint.livemode,
      type: 'webhook_endpoint.failing',
      data,
      requestId,
      now,
      schedule,
      except: endpoint.id,
    });
    const target = { type: 'webhook_endpoint', id: endpoint.id };
    facts.push({ action: 'webhook_endpoint.failing', actor, target, after: data, requestId });
  }
  await tx.save(endpoint);
  const ends = hours >= DISABLED_AFTER_HOURS && (await fails(tx, endpoint.id));
  const highest = ends ? DISABLED_AFTER_HOURS : due.at(-1);
  if (highest !== undefined) await mailManagers(tx, endpoint, highest, ends, secrets, now);
  if (ends)
    await disableEndpoint(tx, { endpoint, reason: 'failing', actor, requestId, now, schedule });
  await appendAudit(tx, endpoint.orgId, facts, now);
}

async function fails(tx: EntityManager, endpointId: string): Promise<boolean> {
  const [row] = await run(tx, stillFails, [endpointId]);
  return row?.fails ?? false;
}

function failingFacts(endpoint: WebhookEndpoint, hours: number): Record<string, unknown> {
  return {
    webhookId: endpoint.id,
    destinationUrl: endpoint.destinationUrl,
    failingSince: endpoint.failingSince?.toISOString(),
    hours,
  };
}

async function mailManagers(
  tx: EntityManager,
  endpoint: WebhookEndpoint,
  hours: number,
  disabled: boolean,
  secrets: SecretBox,
  now: Date,
): Promise<void> {
  const managers = await billingManagers(tx, endpoint.orgId);
  if (managers.length === 0) return;
  const { host } = new URL(endpoint.destinationUrl);
  const what = disabled
    ? `It is disabled: it gets no new deliveries, and what waits is sent at once when it is enabled again.`
    : `Deliveries are tried again on their schedule. After ${DISABLED_AFTER_HOURS / 24} days of nothing but failures it is disabled.`;
  const mail = {
    orgId: endpoint.orgId,
    recipients: managers.map(({ email }) => email),
    subject: disabled
      ? `A webhook endpoint was disabled: ${host}`
      : `A webhook endpoint has failed for ${hours} hours: ${host}`,
    text: [
      `The endpoint ${endpoint.id} at ${host} has answered with nothing but failures since ${endpoint.failingSince?.toISOString()}.`,
      '',
      what,
      '',
      'Mend the receiver, then replay what has failed with POST /v1/webhook_endpoints/{id}/recover.',
    ].join('\n'),
  };
  await queueMail(tx, mail, secrets, now);
}
