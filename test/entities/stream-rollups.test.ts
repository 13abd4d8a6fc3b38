import type { DataSource, QueryRunner } from 'typeorm';
import { createOrganization } from '../../entities/create-organization';
import { foldStreamRecords } from '../../entities/fold-stream-records';
import { migrate } from '../../entities/migrate';
import { StreamRollups1764970000000 } from '../../entities/migrations/1764970000000-stream-rollups';
import { pruneRecords } from '../../entities/prune-records';
import { summarizeStreams } from '../../entities/stream-summary';
import { DAY_MS, HOUR_MS } from '../../platform/clock';
import { freshDatabase, type TestDatabase } from '../support/database';
import { dice } from '../support/dice';
import { idAt } from '../support/id-at';
import { until } from '../support/until';

const MINUTE = 60_000;
const STREAMS = ['strm_a', 'strm_b', 'strm_test'];
const TYPES = ['filing.published', 'monitor.match'];

describe('the counts of streams’ records', () => {
  const now = Math.floor(Date.now() / MINUTE) * MINUTE;
  let database: TestDatabase;
  let orgIds: string[];
  beforeEach(async () => {
    database = await freshDatabase();
    orgIds = [];
    for (const name of ['Acme', 'Other']) {
      const { id } = await database.db.transaction((tx) =>
        createOrganization(tx, { name, planKey: 'team', now: new Date() }),
      );
      for (const stream of STREAMS) {
        await database.db.query(
          `INSERT INTO stream_subscriptions (id, org_id, livemode, transport, status, created_at, updated_at)
           VALUES ($1, $2, $3, 'poll', 'active', now(), now())`,
          [stream + name, id, stream !== 'strm_test'],
        );
      }
      orgIds.push(id);
    }
  });
  afterEach(() => database.close());

  type Roll = ReturnType<typeof dice>;

  /** A record of any stream; its id was made up to a minute after its time, as by a clock that differs. */
  async function record(db: Pick<DataSource | QueryRunner, 'query'>, at: number, roll: Roll) {
    const org = roll(4) === 0 ? 1 : 0;
    await db.query(
      `INSERT INTO stream_events (id, org_id, stream_id, event_id, event_type, request_id, recorded_at)
       VALUES ($1, $2, $3, 'evt_x', $4, 'req_x', $5)`,
      [
        idAt('sevt', at + roll(MINUTE)),
        orgIds[org],
        `${STREAMS[roll(3)] ?? ''}${['Acme', 'Other'][org] ?? ''}`,
        TYPES[roll(2)],
        new Date(at),
      ],
    );
  }

  /** The summary, and what the rows say. */
  async function compare(orgId: string, testOnly: boolean, since: number): Promise<void> {
    const expected = await database.db.query(
      `SELECT stream_id AS "streamId", event_type AS "eventType", transport, count(*)::int AS count,
         (count(*) FILTER (WHERE s.deleted_at IS NULL))::int AS "replayableCount", max(recorded_at) AS "lastSeenAt"
       FROM stream_events t JOIN stream_subscriptions s ON s.id = t.stream_id
       WHERE t.org_id = $1 AND (NOT $2 OR NOT s.livemode) AND recorded_at >= $3
       GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2`,
      [orgId, testOnly, new Date(since)],
    );
    const rows = await summarizeStreams(database.db, orgId, testOnly, new Date(since), 200);
    expect(rows).toEqual(expected);
  }

  async function compareAll(): Promise<void> {
    const onTheHour = Math.floor(now / HOUR_MS) * HOUR_MS;
    const times = [
      now - 200 * DAY_MS,
      now - 90 * DAY_MS + 7 * MINUTE,
      now - 3 * DAY_MS + 17 * MINUTE,
      onTheHour - 26 * HOUR_MS,
      now - 95 * MINUTE,
      now - 10 * MINUTE,
      now + MINUTE,
    ];
    for (const since of times) {
      for (const orgId of orgIds) await compare(orgId, false, since);
      await compare(orgIds[0] ?? '', true, since);
    }
  }

  const unfolded = async (): Promise<number> => {
    const [row]: { n: number }[] = await database.db.query(
      `SELECT count(*)::int AS n FROM stream_events
       WHERE xid >= (SELECT xid FROM rollup_marks WHERE name = 'stream_events')`,
    );
    return row?.n ?? 0;
  };

  /** Folds until the mark has passed every record: other databases of the cluster may hold it back. */
  const foldAll = () =>
    until(
      async () => {
        while (await foldStreamRecords(database.db, 3));
        return unfolded();
      },
      (left) => left === 0,
    );
  const prune = (batch: number) =>
    pruneRecords(
      database.db,
      { now: new Date(now), retentionDays: 90 },
      async () => undefined,
      batch,
    );

  it.each([1, 2, 3])(
    'are what the rows say at every moment: folded or not, committed late, pruned, of deleted streams (story %s)',
    async (seed) => {
      const roll = dice(seed);
      const open: QueryRunner[] = [];
      let old = now - 120 * DAY_MS;
      const close = async (runner: QueryRunner | undefined, how: 'commit' | 'rollback') => {
        await runner?.[`${how}Transaction`]();
        await runner?.release();
      };
      for (let step = 0; step < 120; step++) {
        const which = roll(20);
        const at = now - roll([40, 180, 4_000, 40_000][roll(4)] ?? 1) * MINUTE;
        if (which < 10) await record(database.db, at, roll);
        else if (which < 14) await record(database.db, (old += roll(5_000) * 1_000), roll);
        else if (which < 16 && open.length < 3) {
          const runner = database.db.createQueryRunner();
          open.push(runner);
          await runner.startTransaction();
          await record(runner, at, roll);
          await record(runner, at, roll);
        } else if (which < 18) await close(open.shift(), roll(3) > 0 ? 'commit' : 'rollback');
        else if (which === 18) await foldStreamRecords(database.db, 1 + roll(4));
        else await prune(1 + roll(3));
        if (step === 80) {
          await database.db.query(
            `UPDATE stream_subscriptions SET deleted_at = now(), status = 'paused' WHERE id = 'strm_bAcme'`,
          );
        }
        if (step % 20 === 19) await compareAll();
      }
      for (const runner of open) await close(runner, 'commit');
      await foldAll();
      await compareAll();
      const pruned = await prune(2);
      expect(pruned.find(({ table }) => table === 'stream_events')?.rows).toBeGreaterThan(0);
      await compareAll();
    },
    60_000,
  );

  it('are the same when several workers fold and prune at once, and when nothing is new', async () => {
    const roll = dice(9);
    for (const days of [100, 1]) {
      for (let i = 0; i < 60; i++)
        await record(database.db, now - days * DAY_MS + i * 7 * MINUTE, roll);
    }
    await until(
      async () => {
        const folds = Array.from({ length: 3 }, () => foldStreamRecords(database.db, 5));
        await Promise.all([...folds, prune(3), prune(4), prune(5)]);
        return unfolded();
      },
      (left) => left === 0,
    );
    await foldAll();
    await prune(50);
    await compareAll();
    const [kept] = await database.db.query(
      `SELECT count(*)::int AS old FROM stream_events WHERE recorded_at < now() - interval '91 days'`,
    );
    expect(kept).toEqual({ old: 0 });
    const [rollups] = await database.db.query(
      `SELECT count(*)::int AS old FROM stream_rollups WHERE starts_at < now() - interval '95 days'`,
    );
    expect(rollups).toEqual({ old: 0 });
  });

  it('take in the records that were there before they were counted', async () => {
    const roll = dice(5);
    const runner = database.db.createQueryRunner();
    const migration = new StreamRollups1764970000000();
    await migration.down(runner);
    await runner.release();
    await database.db.query('DELETE FROM migrations WHERE name = $1', [migration.constructor.name]);
    for (let i = 0; i < 30; i++) await record(database.db, now - i * 31 * MINUTE, roll);
    expect(await migrate(database.url)).toEqual([migration.constructor.name]);
    await compareAll();
    await foldStreamRecords(database.db, 10);
    await compareAll();
    await foldAll();
    await compareAll();
  });
});
