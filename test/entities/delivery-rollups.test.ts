import { createOrganization } from '../../entities/create-organization';
import { countDeliveries } from '../../entities/delivery-counts';
import { summarizeDeliveries } from '../../entities/delivery-summary';
import { foldAttempts } from '../../entities/fold-attempts';
import { slaFigures } from '../../entities/sla-report';
import { freshDatabase, type TestDatabase } from '../support/database';
import { dice } from '../support/dice';
import { idAt } from '../support/id-at';
import { until } from '../support/until';

const MINUTE = 60_000;
const DAY = 86_400_000;

interface MadeAttempt {
  readonly at: number;
  readonly endedAt: number | null;
  readonly httpStatus: number | null;
  readonly ok: boolean;
  readonly replay: boolean;
}

interface Made {
  readonly id: string;
  readonly endpointId: string;
  readonly eventType: string;
  readonly livemode: boolean;
  readonly createdAt: number;
  status: 'pending' | 'delivered' | 'failed' | 'cancelled';
  readonly attempts: MadeAttempt[];
}

describe('counts by hour and day', () => {
  const now = Math.floor(Date.now() / MINUTE) * MINUTE;
  let database: TestDatabase;
  let orgId: string;
  let made: Made[];
  beforeEach(async () => {
    database = await freshDatabase();
    const organization = await database.db.transaction((tx) =>
      createOrganization(tx, { name: 'Acme', planKey: 'team', now: new Date() }),
    );
    orgId = organization.id;
    for (const endpoint of ['whe_a', 'whe_b']) {
      await database.db.query(
        `INSERT INTO webhook_endpoints (id, org_id, livemode, destination_url, status, secret_sealed, created_at, updated_at)
         VALUES ($1, $2, true, 'http://127.0.0.1:1/', 'active', '', now(), now())`,
        [endpoint, orgId],
      );
    }
    made = [];
  });
  afterEach(() => database.close());

  /** A delivery that nobody has tried yet. */
  async function deliver(
    createdAt: number,
    roll: (sides: number) => number,
    livemode = true,
  ): Promise<Made> {
    const delivery: Made = {
      id: idAt('wd', createdAt),
      endpointId: ['whe_a', 'whe_b'][roll(2)] ?? '',
      eventType: ['filing.published', 'monitor.match'][roll(2)] ?? '',
      livemode,
      createdAt,
      status: 'pending',
      attempts: [],
    };
    const { id, endpointId, eventType } = delivery;
    await database.db.query(
      `INSERT INTO webhook_deliveries (id, org_id, livemode, endpoint_id, event_id, event_type, request_id, schedule,
         window_ends_at, created_at)
       VALUES ($1, $2, $3, $4, 'evt_x', $5, 'req_x', '{}', now() + interval '3 days', $6)`,
      [id, orgId, livemode, endpointId, eventType, new Date(createdAt)],
    );
    made.push(delivery);
    return delivery;
  }

  /** One attempt and what it makes of the delivery, in one transaction, as recording does it. */
  async function attempt(
    delivery: Made,
    what: Omit<MadeAttempt, 'ok' | 'replay'> & { replay?: boolean; ends?: Made['status'] },
  ): Promise<void> {
    const { at, endedAt, httpStatus, replay = false, ends } = what;
    const ok = httpStatus === 200;
    const number = delivery.attempts.push({ at, endedAt, httpStatus, ok, replay });
    const { id, endpointId, eventType, livemode } = delivery;
    if (ok) delivery.status = 'delivered';
    else if (ends) delivery.status = ends;
    const end = endedAt === null ? null : new Date(endedAt);
    await database.db.transaction(async (tx) => {
      await tx.query(
        `INSERT INTO webhook_attempts (id, delivery_id, org_id, livemode, endpoint_id, event_id, event_type, request_id,
           attempt, trigger, destination_url, http_status, ok, created_at, ended_at)
         VALUES ($1, $2, $3, $4, $5, 'evt_x', $6, 'req_x', $7, $8, '', $9, $10, $11, $12)`,
        [
          idAt('wdel', at),
          id,
          orgId,
          livemode,
          endpointId,
          eventType,
          number,
          replay ? 'replay' : 'schedule',
          httpStatus,
          ok,
          new Date(at),
          end,
        ],
      );
      await tx.query(
        `UPDATE webhook_deliveries SET status = $2, finished_at = $3, attempts = $4 WHERE id = $1`,
        [id, delivery.status, delivery.status === 'pending' ? null : (end ?? new Date(at)), number],
      );
    });
  }

  const cancel = async (delivery: Made): Promise<void> => {
    delivery.status = 'cancelled';
    await database.db.query(
      `UPDATE webhook_deliveries SET status = 'cancelled', finished_at = now() WHERE id = $1`,
      [delivery.id],
    );
  };

  /** What the promise's figures are, from what was made. */
  function expectedSla(since: number, before: number, testOnly: boolean) {
    const rows = made.filter(
      (row) => row.createdAt >= since && row.createdAt < before && !(testOnly && row.livemode),
    );
    const answered = (row: Made): boolean =>
      row.attempts.some(({ httpStatus }) => httpStatus !== null);
    const count = (...statuses: Made['status'][]): number =>
      rows.filter(({ status }) => statuses.includes(status)).length;
    const silent = rows.filter((row) => row.status === 'failed' && !answered(row)).length;
    const delivered = count('delivered');
    const counted = delivered + count('failed') - silent;
    const latencies = rows
      .filter((row) => answered(row) && typeof row.attempts[0]?.endedAt === 'number')
      .map((row) => (row.attempts[0]?.endedAt ?? 0) - row.createdAt)
      .sort((a, b) => a - b);
    const at = (share: number) => latencies[Math.max(Math.ceil(latencies.length * share), 1) - 1];
    return {
      deliveries: rows.length,
      delivered,
      kept: counted === 0 ? 1 : Math.floor((delivered / counted) * 1e6) / 1e6,
      excluded: [
        { reason: 'cancelled', count: count('cancelled') },
        { reason: 'still pending', count: count('pending') },
        { reason: 'the endpoint never answered', count: silent },
      ].filter((row) => row.count > 0),
      percentiles: [at(0.5), at(0.95), at(0.99)],
      underFiveSeconds:
        latencies.length === 0 ? 1 : latencies.filter((ms) => ms < 5_000).length / latencies.length,
    };
  }

  async function compareSla(since: number, before: number, testOnly = false): Promise<void> {
    const figures = await slaFigures(
      database.db,
      orgId,
      testOnly,
      new Date(since),
      new Date(before),
    );
    const { percentiles, underFiveSeconds, ...expected } = expectedSla(since, before, testOnly);
    expect(figures).toMatchObject(expected);
    expect(figures.firstAttempt.underFiveSeconds).toBeCloseTo(underFiveSeconds, 10);
    const { p50Ms, p95Ms, p99Ms } = figures.firstAttempt;
    for (const [i, estimate] of [p50Ms, p95Ms, p99Ms].entries()) {
      const exact = percentiles[i];
      if (exact === undefined) expect(estimate).toBeNull();
      // 2 %, and half a millisecond of rounding; under 1 ms counts as 1.
      else expect(Math.abs((estimate ?? -1) - exact)).toBeLessThanOrEqual(exact * 0.02 + 1);
    }
  }

  async function compareSummary(since: number): Promise<void> {
    const groups = new Map<string, Record<string, unknown>>();
    for (const { endpointId, eventType, attempts } of made) {
      for (const { at, httpStatus, ok, replay } of attempts.filter((one) => one.at >= since)) {
        const key = `${endpointId} ${eventType} ${httpStatus}`;
        const row = groups.get(key);
        const before = (name: string): number => (row?.[name] as number | undefined) ?? 0;
        groups.set(key, {
          webhookId: endpointId,
          eventType,
          status: httpStatus,
          okCount: before('okCount') + Number(ok),
          errorCount: before('errorCount') + Number(!ok),
          replayCount: before('replayCount') + Number(replay),
          count: before('count') + 1,
          lastSeenAt: new Date(
            Math.max(at, (row?.['lastSeenAt'] as Date | undefined)?.getTime() ?? 0),
          ),
        });
      }
    }
    const rows = await summarizeDeliveries(database.db, orgId, false, new Date(since), 200);
    const byKey = (a: Record<string, unknown>, b: Record<string, unknown>): number =>
      JSON.stringify([a['webhookId'], a['eventType'], a['status']]) <
      JSON.stringify([b['webhookId'], b['eventType'], b['status']])
        ? -1
        : 1;
    expect(rows.map((row) => ({ ...row })).sort(byKey)).toEqual([...groups.values()].sort(byKey));
  }

  /** Folds until the mark has passed everything made so far: other databases of the cluster may hold it back. */
  const foldAll = async (): Promise<void> => {
    await until(
      async () => {
        while (await foldAttempts(database.db, 3));
        const [row] = await database.db.query(
          `SELECT count(*)::int AS left FROM webhook_attempts
           WHERE xid >= (SELECT xid FROM rollup_marks WHERE name = 'attempts')`,
        );
        return (row as { left: number }).left;
      },
      (left) => left === 0,
    );
  };

  async function compareAll(): Promise<void> {
    const spans = [
      [now - 40 * DAY, now + DAY],
      [now - 3 * DAY + 17 * MINUTE, now - 30 * MINUTE],
      [now - DAY, now - DAY + 20 * MINUTE],
      [now - 95 * MINUTE, now],
      [now - 20 * MINUTE, now - 10 * MINUTE],
    ] as const;
    for (const [since, before] of spans) await compareSla(since, before);
    await compareSla(now - 40 * DAY, now + DAY, true);
    for (const since of [now - 40 * DAY, now - 3 * DAY + 17 * MINUTE, now - 50 * MINUTE]) {
      await compareSummary(since);
    }
    const statuses = made.map(({ status }) => status);
    const of = (wanted: string): number => statuses.filter((status) => status === wanted).length;
    expect(await countDeliveries(database.db, orgId)).toEqual({
      pending: of('pending'),
      delivered: of('delivered'),
      failed: of('failed'),
      cancelled: of('cancelled'),
    });
  }

  it.each([1, 2, 3])(
    'are what the rows say at every moment, folded or not, whatever the deliveries go through (story %s)',
    async (seed) => {
      const roll = dice(seed);
      for (let step = 0; step < 90; step++) {
        const which = roll(10);
        const known = made[roll(Math.max(made.length, 1))];
        const startsAt = now - roll([40, 180, 4_000, 40_000][roll(4)] ?? 1) * MINUTE;
        if (which < 5 || !known) {
          const delivery = await deliver(startsAt, roll, roll(4) > 0);
          const tookMs = [3, 40, 700, 4_999, 5_000, 14_000][roll(6)] ?? 0;
          const endedAt = roll(8) === 0 ? null : startsAt + tookMs;
          const httpStatus = endedAt === null ? null : ([200, 200, 500, null][roll(4)] ?? null);
          await attempt(delivery, { at: startsAt + 1, endedAt, httpStatus });
        } else if (known.status === 'pending' && which < 7) {
          const at = known.createdAt + (1 + roll(60)) * MINUTE;
          const httpStatus = [200, 503, null][roll(3)] ?? null;
          await attempt(known, { at, endedAt: at + 50, httpStatus, ends: 'failed' });
        } else if (known.status === 'pending' && which === 7) {
          await cancel(known);
        } else if (which > 7) {
          // A replay, by hand: makes delivered what failed or was cancelled, or changes nothing.
          const at = known.createdAt + (90 + known.attempts.length) * MINUTE;
          const httpStatus = [200, 500][roll(2)] ?? null;
          if (known.status === 'delivered') {
            known.attempts.push({
              at,
              endedAt: at + 9,
              httpStatus,
              ok: httpStatus === 200,
              replay: true,
            });
            await database.db.query(
              `INSERT INTO webhook_attempts (id, delivery_id, org_id, livemode, endpoint_id, event_id, event_type,
                 request_id, attempt, trigger, destination_url, http_status, ok, created_at, ended_at)
               VALUES ($1, $2, $3, $4, $5, 'evt_x', $6, 'req_x', $7, 'replay', '', $8, $9, $10, $11)`,
              [
                idAt('wdel', at),
                known.id,
                orgId,
                known.livemode,
                known.endpointId,
                known.eventType,
                known.attempts.length,
                httpStatus,
                httpStatus === 200,
                new Date(at),
                new Date(at + 9),
              ],
            );
            await database.db.query(`UPDATE webhook_deliveries SET attempts = $2 WHERE id = $1`, [
              known.id,
              known.attempts.length,
            ]);
          } else {
            await attempt(known, { at, endedAt: at + 9, httpStatus, replay: true });
          }
        }
        if (roll(6) === 0) await foldAttempts(database.db, 1 + roll(4));
        if (step % 30 === 29) await compareAll();
      }
      await foldAll();
      await compareAll();
    },
  );

  it('are the same when several workers fold at once, and when nothing is new', async () => {
    const roll = dice(9);
    for (let i = 0; i < 40; i++) {
      const delivery = await deliver(now - i * MINUTE, roll);
      await attempt(delivery, { at: now - i * MINUTE, endedAt: now, httpStatus: 200 });
    }
    await Promise.all(Array.from({ length: 6 }, () => foldAttempts(database.db, 5)));
    await foldAll();
    await foldAll();
    await compareAll();
  });
});
