import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { DataSource } from 'typeorm';
import { createEndpointSlots } from '../../activities/endpoint-slots';
import { createMakeAttempt } from '../../activities/make-attempt';
import { createRecoveryActivities } from '../../activities/recover-endpoint';
import { createDataSource } from '../../entities/data-source';
import { STANDARD_SCHEDULE } from '../../entities/delivery-schedule';
import type { RecoveryView } from '../../entities/recovery-view';
import { startRecovery } from '../../entities/start-recovery';
import { createWebhookSender } from '../../integrations/webhook-sender';
import { DAY_MS, MINUTE_MS } from '../../platform/clock';
import { newId } from '../../platform/ids';
import { createLog } from '../../platform/log';
import { failedDeliveries } from '../support/failed-deliveries';
import { openSandbox, type Sandbox } from '../support/sandbox';
import { openSeverable, type Severable } from '../support/severable';
import { until } from '../support/until';

describe('a page of a recovery whose database goes away while it is sent', () => {
  let sandbox: Sandbox;
  let way: Severable;
  let db: DataSource;
  let receiver: Server;
  let aheadMs = 0;
  const clock = { now: () => new Date(Date.now() + aheadMs) };
  const received: string[] = [];
  const lines: string[] = [];
  let answer: () => void = () => undefined;
  const mayAnswer = new Promise<void>((resolve) => (answer = resolve));

  beforeAll(async () => {
    sandbox = await openSandbox(clock);
    const url = new URL(sandbox.url);
    way = await openSeverable(Number(url.port));
    url.port = String(way.port);
    db = createDataSource({ url: url.href, poolSize: 4, applicationName: 'secapi-test-recovery' });
    await db.initialize();
    receiver = createServer((request, response) => {
      received.push(String(request.headers['webhook-id']));
      request.resume();
      void mayAnswer.then(() => response.end());
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    receiver.closeAllConnections();
    receiver.close();
    await db.destroy().catch(() => undefined);
    await way.close();
    await sandbox.close();
  });

  it('records all that it sent once the database is back, past every claim; nothing is sent twice', async () => {
    const { port } = receiver.address() as AddressInfo;
    const now = clock.now();
    const since = new Date(now.getTime() - DAY_MS);
    const endpoint = await sandbox.newEndpoint(`http://127.0.0.1:${port}/`);
    await failedDeliveries(sandbox.db, endpoint, 5, since);
    const range = { since, until: now, perSecond: 200, requestId: newId('req'), now };
    const { id } = await sandbox.db.transaction((tx) => startRecovery(tx, endpoint, range));
    const sender = createWebhookSender({ allowPrivate: true });
    const { replayPage } = createRecoveryActivities({
      db,
      clock,
      log: createLog('worker', 'info', { write: (line) => void lines.push(line) }),
      schedule: STANDARD_SCHEDULE,
      makeAttempt: createMakeAttempt({ clock, secrets: sandbox.secrets, sender }),
      slots: createEndpointSlots(64, 64, MINUTE_MS),
    });
    const env = new MockActivityEnvironment();
    let beats = 0;
    env.on('heartbeat', () => beats++);
    const page = env.run<[string], RecoveryView | null, typeof replayPage>(replayPage, id);

    await until(
      async () => received.length,
      (count) => count === 5,
    );
    await way.sever();
    answer();
    await until(
      async () => lines.filter((line) => line.includes('recording attempts failed')).length,
      (count) => count >= 5,
    );
    aheadMs += 10 * MINUTE_MS;
    const before = { lines: lines.length, beats };
    await until(
      async () => [lines.length, beats] as const,
      ([told, beaten]) => told >= before.lines + 10 && beaten > before.beats,
    );
    await way.mend();

    // The next claim found no database: Temporal tries the page again, once all that was sent is recorded.
    await page.catch(() => undefined);
    const again = await new MockActivityEnvironment().run(replayPage, id);
    expect(again).toMatchObject({ status: 'done', replayed: 5, succeeded: 5, failed: 0 });
    expect(received).toHaveLength(5);
    expect(new Set(received).size).toBe(5);
    await sender.close();
  }, 60_000);
});
