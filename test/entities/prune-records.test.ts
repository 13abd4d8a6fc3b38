import { foldStreamRecords } from '../../entities/fold-stream-records';
import { countPrunable, pruneRecords } from '../../entities/prune-records';
import { KEPT, RETENTION } from '../../entities/retention';
import { DAY_MS, HOUR_MS } from '../../platform/clock';
import { idAt } from '../support/id-at';
import { openSandbox, type Sandbox } from '../support/sandbox';
import { until } from '../support/until';

const now = new Date('2026-11-26T12:00:00Z');
const daysAgo = (days: number): Date => new Date(now.getTime() - days * DAY_MS);
const options = { now, retentionDays: 90 };
const idOf = (prefix: string, at: Date): string => idAt(prefix, at.getTime());

describe('what is dropped when it is old', () => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await openSandbox({ now: () => now });
  });
  afterAll(() => sandbox.close());

  async function insert(table: string, row: Record<string, unknown>): Promise<string> {
    const names = Object.keys(row);
    await sandbox.db.query(
      `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map((_, i) => `$${i + 1}`).join(', ')})`,
      Object.values(row),
    );
    return (row['id'] ?? '') as string;
  }
  const has = async (table: string, id: string): Promise<boolean> =>
    (await sandbox.db.query(`SELECT 1 FROM ${table} WHERE id = $1`, [id])).length > 0;
  const prune = (batch?: number) => pruneRecords(sandbox.db, options, async () => undefined, batch);
  const rowsOf = async (which: ReturnType<typeof prune>) =>
    Object.fromEntries(
      (await which).filter(({ rows }) => rows > 0).map(({ table, rows }) => [table, rows]),
    );

  const common = () => ({ org_id: sandbox.orgId, livemode: true, request_id: 'req_x' });
  const newEvent = (at: Date) =>
    insert('events', {
      ...common(),
      id: idOf('evt', at),
      type: 'a.b',
      body: '{"data":{}}',
      data_start: 8,
      occurred_at: at,
      created_at: at,
    });
  const newDelivery = (at: Date, eventId: string, more: Record<string, unknown> = {}) =>
    insert('webhook_deliveries', {
      ...common(),
      id: idOf('wd', at),
      endpoint_id: 'whe_x',
      event_id: eventId,
      event_type: 'a.b',
      status: 'delivered',
      schedule: [30],
      window_ends_at: new Date(at.getTime() + 3 * DAY_MS),
      created_at: at,
      ...more,
    });
  const newAttempt = (at: Date, deliveryId: string, eventId: string) =>
    insert('webhook_attempts', {
      ...common(),
      id: idOf('wdel', at),
      delivery_id: deliveryId,
      endpoint_id: 'whe_x',
      event_id: eventId,
      event_type: 'a.b',
      attempt: 1,
      trigger: 'schedule',
      destination_url: 'https://example.com/',
      ok: true,
      created_at: at,
    });

  it('is decided for every table there is', async () => {
    const rows: { name: string }[] = await sandbox.db.query(
      `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`,
    );
    const decided = [...RETENTION.map(({ table }) => table), ...Object.keys(KEPT)];
    expect(decided.sort()).toEqual(rows.map(({ name }) => name));
  });

  it('is an ended delivery with its attempts and its event, once all of it is old', async () => {
    const at = daysAgo(100);
    const event = await newEvent(at);
    const delivery = await newDelivery(at, event);
    const attempt = await newAttempt(at, delivery, event);
    const fresh = await newDelivery(daysAgo(80), await newEvent(daysAgo(80)));
    const counted = await rowsOf(countPrunable(sandbox.db, options));
    expect(counted).toEqual({ events: 1, webhook_attempts: 1, webhook_deliveries: 1 });
    expect(await has('events', event)).toBe(true);
    expect(await rowsOf(prune())).toEqual(counted);
    expect(await has('webhook_attempts', attempt)).toBe(false);
    expect(await has('webhook_deliveries', fresh)).toBe(true);
    expect(await rowsOf(prune())).toEqual({});
  });

  it('is nothing that a delivery still needs, however old', async () => {
    const at = daysAgo(100);
    const event = await newEvent(at);
    const kept = [
      await newDelivery(at, event, { status: 'pending', next_at: now }),
      await newDelivery(at, event, { window_ends_at: new Date(now.getTime() + HOUR_MS) }),
      await newDelivery(at, event, { claimed_until: new Date(now.getTime() + 20_000) }),
      await newDelivery(at, event),
      await newDelivery(at, event),
      await newDelivery(at, event),
    ];
    const [, , , replayed = '', tried = '', commanded = ''] = kept;
    await insert('webhook_replays', {
      id: idOf('rpl', at),
      org_id: sandbox.orgId,
      delivery_id: replayed,
      requested_at: at,
    });
    await newAttempt(daysAgo(3), tried, event);
    await insert('outbox', {
      kind: 'signal_delivery',
      ref: commanded,
      due_at: now,
      created_at: now,
    });
    const attempts = await Promise.all(kept.map((delivery) => newAttempt(at, delivery, event)));
    const gone = await newDelivery(at, event);
    expect(await rowsOf(prune())).toEqual({ webhook_deliveries: 1 });
    expect(await has('webhook_deliveries', gone)).toBe(false);
    expect(await has('events', event)).toBe(true);
    for (const attempt of attempts) expect(await has('webhook_attempts', attempt)).toBe(true);

    await sandbox.db.query(`DELETE FROM outbox`);
    await sandbox.db.query(`UPDATE webhook_replays SET status = 'refused'`);
    await sandbox.db.query(
      `UPDATE webhook_deliveries SET status = 'delivered', window_ends_at = created_at, claimed_until = NULL`,
    );
    await sandbox.db.query(`DELETE FROM webhook_attempts WHERE created_at > $1`, [daysAgo(5)]);
    expect(await rowsOf(prune())).toEqual({
      webhook_deliveries: 6,
      webhook_attempts: 6,
      webhook_replays: 1,
      events: 1,
    });
  });

  it('is a recovery that has ended with its replays, and nothing that one has still to replay', async () => {
    const at = daysAgo(100);
    const event = await newEvent(at);
    const delivery = await newDelivery(at, event, { status: 'failed' });
    const { id: endpointId } = await sandbox.newEndpoint('https://hooks.example.com/');
    const recovery = await insert('webhook_recoveries', {
      ...common(),
      id: idOf('rec', at),
      endpoint_id: endpointId,
      status: 'paused',
      since: at,
      until: at,
      per_second: 1,
      rate: 1,
      next_at: at,
      total: 1,
      created_at: at,
      updated_at: at,
    });
    await insert('webhook_replays', {
      id: idOf('rpl', at),
      org_id: sandbox.orgId,
      delivery_id: delivery,
      status: 'queued',
      recovery_id: recovery,
      requested_at: at,
    });
    expect(await rowsOf(prune())).toEqual({});
    await sandbox.db.query(`UPDATE webhook_replays SET status = 'refused'`);
    await sandbox.db.query(`UPDATE webhook_recoveries SET status = 'cancelled'`);
    expect(await rowsOf(prune())).toEqual({
      webhook_deliveries: 1,
      webhook_replays: 1,
      webhook_recoveries: 1,
      events: 1,
    });
  });

  it('is counts by hour and day, but only once the last delivery that they count may have gone', async () => {
    const newRollup = (at: Date) =>
      insert('attempt_rollups', {
        org_id: sandbox.orgId,
        grain: 'day',
        starts_at: at,
        livemode: true,
        endpoint_id: 'whe_x',
        event_type: 'a.b',
        http_status: 200,
        ok_count: 1,
        error_count: 0,
        replay_count: 0,
        last_seen_at: at,
      });
    await newRollup(daysAgo(93));
    await newRollup(daysAgo(95));
    expect(await rowsOf(prune())).toEqual({ attempt_rollups: 1 });
  });

  it('is a stream’s old records, once counted, but the last, on which a reader’s cursor may stand', async () => {
    const stream = idOf('strm', daysAgo(200));
    const ids: string[] = [];
    for (const days of [120, 110, 100]) {
      const event = await newEvent(daysAgo(days));
      ids.push(
        await insert('stream_events', {
          id: idOf('sevt', daysAgo(days)),
          org_id: sandbox.orgId,
          stream_id: stream,
          event_id: event,
          event_type: 'a.b',
          request_id: 'req_x',
          recorded_at: daysAgo(days),
        }),
      );
    }
    expect(await rowsOf(countPrunable(sandbox.db, options))).toEqual({ events: 3 });
    const counted = async () => {
      await foldStreamRecords(sandbox.db);
      return rowsOf(countPrunable(sandbox.db, options));
    };
    await until(counted, ({ stream_events: rows }) => rows === 2);
    // With two records the counts of their hours and days are empty, and go too.
    expect(await rowsOf(prune())).toEqual({ stream_events: 2, events: 3, stream_rollups: 4 });
    expect(await has('stream_events', ids[2] ?? '')).toBe(true);
  });

  it('is usage of months that ended 13 months ago; never what is reserved or asked', async () => {
    const charge = (period: string, status: string) => {
      const at = new Date(`${period}-15T00:00:00Z`);
      return insert('charges', {
        ...common(),
        id: idOf('chg', at),
        key: idOf('k', at),
        period,
        meter_class: 'heavy_extract',
        family: 'heavy_extracts',
        units: 1,
        unit_micros: 1,
        amount_micros: 1,
        by_grant: false,
        by_quota: false,
        status,
        plan_key: 'team',
        rate_card: '1',
        principal_id: 'key_x',
        created_at: at,
      });
    };
    const month = (period: string, held: number) =>
      insert('budget_periods', { org_id: sandbox.orgId, period, held_micros: held });
    await month('2025-09', 0);
    await month('2025-08', 5);
    await month('2025-10', 0);
    await charge('2025-09', 'charged');
    const reserved = await charge('2025-09', 'reserved');
    const edge = await charge('2025-10', 'charged');
    expect(await rowsOf(prune())).toEqual({ budget_periods: 1, charges: 1 });
    expect(await has('charges', reserved)).toBe(true);
    expect(await has('charges', edge)).toBe(true);
  });

  it('is what was used up: idempotency keys after a day, mails after a month', async () => {
    const key = (created_at: Date, locked_until: Date, name: string) =>
      insert('idempotency_keys', {
        org_id: sandbox.orgId,
        livemode: true,
        route: 'r',
        key: name,
        claim_id: 'c',
        request_hash: Buffer.alloc(1),
        locked_until,
        created_at,
      });
    await key(daysAgo(1.1), daysAgo(1), 'used');
    await key(daysAgo(1.1), new Date(now.getTime() + 1_000), 'in flight');
    await key(daysAgo(0.9), daysAgo(0.8), 'today');
    for (const days of [31, 29]) {
      await insert('mails', {
        id: idOf('mail', daysAgo(days)),
        org_id: sandbox.orgId,
        recipients: ['a@example.com'],
        subject: `${days} days`,
        created_at: daysAgo(days),
        sent_at: daysAgo(days),
      });
    }
    expect(await rowsOf(prune())).toEqual({ idempotency_keys: 1, mails: 1 });
    const keys: { key: string }[] = await sandbox.db.query(
      `SELECT key FROM idempotency_keys ORDER BY key`,
    );
    expect(keys.map(({ key: name }) => name)).toEqual(['in flight', 'today']);
  });

  it('goes in batches, each told as it goes', async () => {
    for (let n = 0; n < 7; n++) await newEvent(daysAgo(95));
    const told: number[] = [];
    await pruneRecords(
      sandbox.db,
      options,
      async ({ table, rows }) => void (table === 'events' && told.push(rows)),
      3,
    );
    expect(told).toEqual([3, 6, 7]);
  });
});
