import type { DataSource } from 'typeorm';
import { claimFreshAttempts, type ClaimedAttempt } from '../../entities/claim-attempt';
import { createDataSource } from '../../entities/data-source';
import { STANDARD_SCHEDULE } from '../../entities/delivery-schedule';
import type { AttemptOutcome } from '../../entities/record-attempt';
import { systemClock } from '../../platform/clock';
import { createLog } from '../../platform/log';
import { createRecorder, type Recorder } from '../../worker/record-batches';
import { openSandbox, type Sandbox } from '../support/sandbox';
import { openSeverable, type Severable } from '../support/severable';
import { until } from '../support/until';

describe('recording attempts', () => {
  let sandbox: Sandbox;
  let way: Severable;
  let db: DataSource;
  beforeEach(async () => {
    sandbox = await openSandbox(systemClock);
    const url = new URL(sandbox.url);
    way = await openSeverable(Number(url.port));
    url.port = String(way.port);
    db = createDataSource({ url: url.href, poolSize: 4, applicationName: 'secapi-test-recorder' });
    await db.initialize();
  });
  afterEach(async () => {
    await db.destroy().catch(() => undefined);
    await way.close();
    await sandbox.close();
  });

  async function claim(): Promise<ClaimedAttempt> {
    await sandbox.newEndpoint('http://127.0.0.1:9/');
    await sandbox.publish();
    const query = { now: systemClock.now(), limit: 1, perEndpoint: 1, busy: new Map() };
    const [claimed] = await claimFreshAttempts(sandbox.db, query);
    if (!claimed) throw new Error('nothing to claim');
    return claimed;
  }

  function arrived(claimed: ClaimedAttempt, endedAt: number): AttemptOutcome {
    const { deliveryId, attemptId, attempt, orgId, endpointId, eventType } = claimed;
    return {
      deliveryId,
      attemptId,
      attempt,
      labels: { orgId, endpointId, eventType },
      destinationUrl: claimed.destinationUrl,
      ok: true,
      httpStatus: 200,
      error: null,
      latencyMs: 3,
      retryAfterMs: null,
      responseBody: '',
      endedAt,
    };
  }

  /** A recorder over the way that can be cut, and what it told of. */
  function newRecorder(): { recorder: Recorder; shown: AttemptOutcome[] } {
    const shown: AttemptOutcome[] = [];
    const recorder = createRecorder({
      db,
      log: createLog('worker', 'silent'),
      schedule: STANDARD_SCHEDULE,
      onDelivered: (outcome) => void shown.push(outcome),
      onFailed: () => undefined,
    });
    return { recorder, shown };
  }

  it('goes on for as long as the database is away, and holds up new claims meanwhile', async () => {
    const { recorder, shown } = newRecorder();
    const claimed = await claim();
    await way.sever();
    recorder.record(arrived(claimed, Date.now() - 60_000));
    await until(
      async () => recorder.isHeldUp(),
      (heldUp) => heldUp,
    );
    await way.mend();
    await recorder.drain();
    expect(recorder.isHeldUp()).toBe(false);
    expect(await sandbox.delivery(claimed.eventId)).toMatchObject({ status: 'delivered' });
    expect(shown.map(({ deliveryId }) => deliveryId)).toEqual([claimed.deliveryId]);
  });

  it('tells of nothing whose claim no longer stood', async () => {
    const { recorder, shown } = newRecorder();
    const claimed = await claim();
    recorder.record({ ...arrived(claimed, Date.now()), attemptId: 'wdel_of_another' });
    await recorder.drain();
    expect(shown).toEqual([]);
    expect(await sandbox.delivery(claimed.eventId)).toMatchObject({ status: 'pending' });
  });
});
