import { enqueue } from '../../entities/outbox';
import { systemClock } from '../../platform/clock';
import { createLog } from '../../platform/log';
import { createRelay } from '../../worker/relay';
import { createTokenBucket } from '../../worker/token-bucket';
import { freshDatabase, type TestDatabase } from '../support/database';
import { until } from '../support/until';

describe('the relay', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await freshDatabase();
  });
  afterEach(() => database.close());

  const enqueueWake = (ref: string): Promise<void> =>
    enqueue(
      database.db,
      { kind: 'wake_approval', ref, payload: { orgId: 'org_x' } },
      systemClock.now(),
    );
  const waiting = (): Promise<{ ref: string; attempts: number }[]> =>
    database.db.query('SELECT ref, attempts FROM outbox ORDER BY id');

  it('leaves commands as they are while Temporal does not answer, and carries them when it does', async () => {
    await enqueueWake('bap_1');
    const carried: string[] = [];
    let isUp = false;
    let asked = 0;
    const relay = createRelay({
      db: database.db,
      clock: systemClock,
      log: createLog('worker', 'silent'),
      carry: async ({ ref }) => void carried.push(ref),
      isTemporalUp: () => {
        asked += 1;
        return isUp;
      },
      metrics: { commandCarried: () => undefined },
      starts: createTokenBucket(Infinity),
    });
    relay.start();
    try {
      await until(
        async () => asked,
        (times) => times >= 3,
      );
      expect(await waiting()).toEqual([{ ref: 'bap_1', attempts: 0 }]);
      isUp = true;
      relay.wake();
      await until(waiting, (rows) => rows.length === 0);
      expect(carried).toEqual(['bap_1']);
    } finally {
      await relay.stop();
    }
  });
});
