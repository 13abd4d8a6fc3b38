import { settleRestored } from '../../entities/after-restore';
import { Artifact } from '../../entities/artifact';
import { foldAttempts } from '../../entities/fold-attempts';
import { foldStreamRecords } from '../../entities/fold-stream-records';
import { leaseCommands } from '../../entities/outbox';
import { isSettled, REPORTS } from '../../entities/report';
import { summarizeStreams } from '../../entities/stream-summary';
import { openSandbox, type Sandbox } from '../support/sandbox';
import { until } from '../support/until';

describe('after a restore', () => {
  let sandbox: Sandbox;
  const now = new Date();
  const settle = async () =>
    Object.fromEntries(
      Object.entries(await settleRestored(sandbox.db, now)).filter(([, rows]) => rows > 0),
    );
  beforeAll(async () => {
    sandbox = await openSandbox({ now: () => now });
    await sandbox.newEndpoint('https://example.com/');
    const { id } = await sandbox.publish();
    const { orgId, db } = sandbox;
    await sandbox.publish();
    await db.query(`UPDATE webhook_deliveries SET has_workflow = true WHERE event_id = $1`, [id]);
    await db.query(
      `INSERT INTO budget_approvals (id, org_id, period, budget_seq, ceiling_micros, status, threshold_cents,
         accrued_micros, requested_by, request_id, created_at, expires_at)
       SELECT 'bap_' || status, $1, '2026-01', 0, 1, status, 1, 1, 'x', 'req_x', now(), now()
       FROM unnest(ARRAY['pending', 'approved']) status`,
      [orgId],
    );
    await db.query(
      `INSERT INTO checkouts (id, org_id, mode, plan_key, seats, success_url, cancel_url, status, requested_by,
         request_id, created_at, expires_at)
       SELECT 'chk_' || status, $1, 'subscription', 'team', 1, 'x', 'x', status, 'x', 'req_x', now(), now()
       FROM unnest(ARRAY['open', 'completed']) status`,
      [orgId],
    );
    await db.query(
      `INSERT INTO mails (id, org_id, recipients, subject, body_sealed, created_at, sent_at)
       VALUES ('mail_a', $1, '{}', 's', 'x', now(), NULL), ('mail_b', $1, '{}', 's', NULL, now(), now())`,
      [orgId],
    );
  });
  afterAll(() => sandbox.close());

  it('the workflow of everything that waits is asked for anew, once', async () => {
    expect(await settle()).toEqual({
      'webhook_deliveries asked for anew': 1,
      'budget_approvals asked for anew': 1,
      'checkouts asked for anew': 1,
      'mails asked for anew': 1,
    });
    expect(await settle()).toEqual({});
    const commands = await leaseCommands(sandbox.db, now, 10, 10);
    expect(commands.map(({ kind }) => kind).sort()).toEqual([
      'send_mail',
      'start_approval',
      'start_checkout',
      'start_delivery',
    ]);
    for (const { payload } of commands) expect(payload).toHaveProperty('orgId', sandbox.orgId);
  });

  it('rows of a dump stand before everything new, by id, and nothing hides them', async () => {
    await sandbox.db.query(`UPDATE events SET xid = '99999999999'`);
    expect(await settle()).toEqual({ 'events put in order': 2 });
    const { id } = await sandbox.publish();
    const rows: { id: string }[] = await sandbox.db.query(`SELECT id FROM events ORDER BY xid, id`);
    expect(rows.at(-1)?.id).toBe(id);
    expect(rows.map((row) => row.id)).toEqual(rows.map((row) => row.id).sort());
    expect(await settle()).toEqual({});
  });

  it('attempts of a dump are counted once, and so is what comes after', async () => {
    const { db, orgId } = sandbox;
    const attempt = async (id: string, xid: string | null): Promise<void> => {
      await db.query(
        `INSERT INTO webhook_attempts (id, delivery_id, org_id, livemode, endpoint_id, event_id, event_type, request_id,
           attempt, trigger, destination_url, ok, created_at, xid)
         VALUES ($1, 'wd_x', $2, true, 'whe_x', 'evt_x', 'a.b', 'req_x', 1, 'schedule', 'x', true, now(),
           coalesce($3::xid8, pg_current_xact_id()))`,
        [id, orgId, xid],
      );
    };
    const counted = async (): Promise<number> => {
      while (await foldAttempts(db));
      const [row]: { n: number }[] = await db.query(
        `SELECT coalesce(sum(ok_count), 0)::int AS n FROM attempt_rollups WHERE grain = 'day'`,
      );
      return row?.n ?? 0;
    };
    await db.query(`UPDATE rollup_marks SET xid = '99999999999'`);
    await attempt('wdel_counted', '99999999998');
    await attempt('wdel_uncounted', '99999999999');
    expect(await settle()).toEqual({ 'webhook_attempts put in order': 2 });
    expect(await counted()).toBe(1);
    expect(await settle()).toEqual({});
    await attempt('wdel_new', null);
    await until(counted, (n) => n >= 2);
    expect(await settle()).toEqual({});
    expect(await counted()).toBe(2);
  });

  it('streams’ records of a dump are counted once, also those of a piece of an hour, and so is what comes after', async () => {
    const { db, orgId } = sandbox;
    await db.query(
      `INSERT INTO stream_subscriptions (id, org_id, livemode, transport, status, created_at, updated_at)
       VALUES ('strm_x', $1, true, 'poll', 'active', now(), now())`,
      [orgId],
    );
    const record = (id: string, minute: number, xid: string | null): Promise<unknown> =>
      db.query(
        `INSERT INTO stream_events (id, org_id, stream_id, event_id, event_type, request_id, recorded_at, xid)
         VALUES ($1, $2, 'strm_x', 'evt_x', 'a.b', 'req_x', $3, coalesce($4::xid8, pg_current_xact_id()))`,
        [id, orgId, `2026-11-20T10:${minute}:00Z`, xid],
      );
    const counted = async (): Promise<number[]> => {
      while (await foldStreamRecords(db));
      const from = ['2026-11-20T10:00:00Z', '2026-11-20T10:15:00Z', '2026-11-20T10:25:00Z'];
      const counts: number[] = [];
      for (const since of from) {
        const rows = await summarizeStreams(db, orgId, false, new Date(since), 10);
        counts.push(rows[0]?.count ?? 0);
      }
      return counts;
    };
    // Counted on the server that the dump is of: there its ids were in order.
    await record('sevt_1', 10, null);
    await record('sevt_2', 20, null);
    const folded = `SELECT count(*)::int AS n FROM stream_rollups WHERE count = 2 AND stream_id = 'strm_x'`;
    await until(
      async () => {
        await foldStreamRecords(db);
        return db.query(folded);
      },
      ([row]: { n: number }[]) => row?.n === 2,
    );
    const dumped = '99999999998';
    await db.query(`UPDATE stream_events SET xid = $1 WHERE stream_id = 'strm_x'`, [dumped]);
    await db.query(`UPDATE stream_rollups SET first_xid = $1, last_xid = $1`, [dumped]);
    await db.query(`UPDATE rollup_marks SET xid = '99999999999' WHERE name = 'stream_events'`);
    await record('sevt_3', 30, '99999999999');
    expect(await settle()).toEqual({ 'stream_events put in order': 3 });
    expect(await counted()).toEqual([3, 2, 1]);
    expect(await settle()).toEqual({});
    await record('sevt_4', 40, null);
    expect(await counted()).toEqual([4, 3, 2]);
    const left = `SELECT count(*)::int AS n FROM stream_events
      WHERE xid >= (SELECT xid FROM rollup_marks WHERE name = 'stream_events')`;
    await until(
      async () => {
        expect(await counted()).toEqual([4, 3, 2]);
        return db.query(left);
      },
      ([row]: { n: number }[]) => row?.n === 0,
    );
    expect(await settle()).toEqual({});
    expect(await counted()).toEqual([4, 3, 2]);
  });

  it('artifacts take in the usage of a dump, and their builds wait for nothing', async () => {
    const { db, orgId } = sandbox;
    await db.query(
      `INSERT INTO usage_events (event_id, org_id, livemode, period, meter_class, family, units, unit_micros,
         amount_micros, plan_key, rate_card, principal_id, occurred_at, recorded_at, xid)
       VALUES ('use_x', $1, true, '2026-01', 'a', 'b', 1, 1, 1, 'team', 'x', 'x', now(), now(), '99999999999')`,
      [orgId],
    );
    await db.query(
      `INSERT INTO artifacts (id, org_id, livemode, kind, report, storage_mode, intent, request_id, requested_by,
         created_at, touched_at, up_to_seq, below_xid, status)
       VALUES ('art_x', $1, true, 'json_bundle', 'usage', 'local', '{}', 'req_x', 'x', now(), now(), 0, '99999999999', 'pending')`,
      [orgId],
    );
    expect(await settle()).toEqual({ 'usage_events put in order': 1, 'artifacts put in order': 1 });
    const artifact = await db.getRepository(Artifact).findOneByOrFail({ id: 'art_x' });
    await until(() => isSettled(db, artifact), Boolean);
    expect(await REPORTS.usage.summarize(db, artifact)).toMatchObject({ total: 1 });
  });
});
