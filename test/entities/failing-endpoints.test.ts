import {
  endpointsFailingTooLong,
  tellFailing,
  TOLD_AFTER_HOURS,
} from '../../entities/failing-endpoints';
import { claimAttempt } from '../../entities/claim-attempt';
import { enableEndpoint } from '../../entities/endpoint-lifecycle';
import { STANDARD_SCHEDULE } from '../../entities/delivery-schedule';
import { recordFailure, recordSuccesses, type AttemptOutcome } from '../../entities/record-attempt';
import { WebhookEndpoint } from '../../entities/webhook-endpoint';
import { HOUR_MS, MINUTE_MS } from '../../platform/clock';
import { newId } from '../../platform/ids';
import { failedDeliveries } from '../support/failed-deliveries';
import { openSandbox, type Sandbox } from '../support/sandbox';

describe('an endpoint that has had nothing but failures', () => {
  const start = new Date('2026-03-01T00:00:00Z');
  const after = (hours: number): Date => new Date(start.getTime() + hours * HOUR_MS);
  let now = start;
  let sandbox: Sandbox;
  let endpoint: WebhookEndpoint;
  beforeEach(async () => {
    now = start;
    sandbox = await openSandbox({ now: () => now });
    endpoint = await sandbox.newEndpoint('https://hooks.example.com/in?secret=1');
    const other = { subscribedEventTypes: ['webhook_endpoint.*'] };
    await sandbox.newEndpoint('https://other.example.com/', other);
    await sandbox.db.query(
      `INSERT INTO users (id, email, address, created_at) VALUES ('usr_p', 'm@example.com', 'm@example.com', $1)`,
      [start],
    );
    await sandbox.db.query(
      `INSERT INTO members (org_id, user_id, role, created_at) VALUES ($1, 'usr_p', 'owner', $2)`,
      [sandbox.orgId, start],
    );
  });
  afterEach(() => sandbox.close());

  /** One attempt at a moment, recorded as it came out. */
  async function attempt(at: Date, ok: boolean): Promise<void> {
    now = at;
    const [deliveryId = ''] = await failedDeliveries(sandbox.db, endpoint, 1, at);
    const claimed = await claimAttempt(sandbox.db, deliveryId, newId('rpl'), at);
    if (!claimed) throw new Error('nothing to claim');
    const outcome: AttemptOutcome = {
      deliveryId,
      attemptId: claimed.attemptId,
      attempt: claimed.attempt,
      labels: { orgId: sandbox.orgId, endpointId: endpoint.id, eventType: 'ping' },
      destinationUrl: endpoint.destinationUrl,
      ok,
      httpStatus: ok ? 200 : 503,
      error: ok ? null : 'http_503',
      latencyMs: 1,
      retryAfterMs: null,
      responseBody: null,
      endedAt: at.getTime(),
    };
    if (ok) await recordSuccesses(sandbox.db, [outcome]);
    else await recordFailure(sandbox.db, outcome, STANDARD_SCHEDULE);
  }
  /** What several workers do every half minute. */
  async function look(at: Date): Promise<void> {
    const secrets = sandbox.secrets;
    const options = { now: at, schedule: STANDARD_SCHEDULE, secrets };
    const worker = async () => {
      for (const id of await endpointsFailingTooLong(sandbox.db, at)) {
        await sandbox.db.transaction((tx) => tellFailing(tx, id, options));
      }
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
  }
  const told = async (): Promise<string[]> => {
    const rows = await sandbox.db.query<{ type: string; body: string }[]>(
      `SELECT type, body FROM events WHERE type LIKE 'webhook_endpoint.%' ORDER BY id`,
    );
    return rows.map(({ type, body }) => {
      const { data } = JSON.parse(body) as { data: { hours?: number; reason?: string } };
      return `${type} ${data.hours ?? data.reason ?? ''}`;
    });
  };
  const FAILING = TOLD_AFTER_HOURS.map((hours) => `webhook_endpoint.failing ${hours}`);
  const stored = (): Promise<WebhookEndpoint> =>
    sandbox.db.getRepository(WebhookEndpoint).findOneByOrFail({ id: endpoint.id });

  it('is told of after 24 and 72 hours, and disabled after 5 days; once each, by whichever worker is first', async () => {
    await attempt(start, false);
    await look(after(23.9));
    expect(await told()).toEqual([]);
    await look(after(24));
    await look(after(25));
    expect(await told()).toEqual(FAILING.slice(0, 1));
    await look(after(71.9));
    await look(after(72));
    expect(await told()).toEqual(FAILING);
    await attempt(after(119), false);
    await look(after(119.9));
    expect((await stored()).status).toBe('active');
    await attempt(after(120), false);
    await look(after(120.1));
    await look(after(121));
    expect(await told()).toEqual([...FAILING, 'webhook_endpoint.disabled failing']);
    expect(await stored()).toMatchObject({ status: 'disabled', failingSince: start });
  });

  it('is told to every other endpoint that listens, never to itself; audited; and mailed to the billing managers', async () => {
    await attempt(start, false);
    for (const hours of [24, 72]) await look(after(hours));
    await attempt(after(120), false);
    await look(after(120));
    const heard = await sandbox.db.query<{ endpoint_id: string }[]>(
      `SELECT endpoint_id FROM webhook_deliveries WHERE event_type LIKE 'webhook_endpoint.%'`,
    );
    expect(heard).toHaveLength(3);
    expect(heard.map((row) => row.endpoint_id)).not.toContain(endpoint.id);
    const records = await sandbox.db.query<{ action: string; actor_type: string }[]>(
      'SELECT action, actor_type FROM audit_records ORDER BY seq',
    );
    expect(records).toEqual([
      { action: 'webhook_endpoint.failing', actor_type: 'system' },
      { action: 'webhook_endpoint.failing', actor_type: 'system' },
      { action: 'webhook_endpoint.disabled', actor_type: 'system' },
    ]);
    const mails = await sandbox.db.query<{ subject: string; recipients: string[] }[]>(
      'SELECT subject, recipients FROM mails ORDER BY id',
    );
    expect(mails.map(({ subject }) => subject)).toEqual([
      'A webhook endpoint has failed for 24 hours: hooks.example.com',
      'A webhook endpoint has failed for 72 hours: hooks.example.com',
      'A webhook endpoint was disabled: hooks.example.com',
    ]);
    expect(mails[0]?.recipients).toEqual(['m@example.com']);
  });

  it('begins anew after one success', async () => {
    await attempt(start, false);
    await look(after(30));
    await attempt(after(40), true);
    await attempt(after(50), false);
    await look(after(73));
    expect(await told()).toEqual(FAILING.slice(0, 1));
    expect(await stored()).toMatchObject({ failingSince: after(50), failingTold: 0 });
    await look(after(74));
    await look(after(122));
    expect(await told()).toEqual([...FAILING.slice(0, 1), ...FAILING]);
  });

  it('is told of both marks at once where no worker looked in between', async () => {
    await attempt(start, false);
    await look(after(80));
    expect(await told()).toEqual(FAILING);
  });

  it('is not disabled while it is merely idle', async () => {
    await attempt(start, false);
    await look(after(100));
    await look(after(24 * 30));
    expect((await stored()).status).toBe('active');
    await attempt(new Date(after(24 * 30).getTime() + MINUTE_MS), false);
    await look(after(24 * 30 + 1));
    expect((await stored()).status).toBe('disabled');
  });

  it('begins anew when it is enabled again', async () => {
    await attempt(start, false);
    await attempt(after(120), false);
    await look(after(120));
    await sandbox.db.transaction(async (tx) => enableEndpoint(tx, await stored(), after(130)));
    await look(after(131));
    expect(await stored()).toMatchObject({ status: 'active', failingSince: null, failingTold: 0 });
  });
});
