import { createEndpointSlots } from '../../activities/endpoint-slots';
import { createMakeAttempt } from '../../activities/make-attempt';
import { startReceiver, type Receiver } from '../../devstack/receiver';
import { claimFreshAttempts } from '../../entities/claim-attempt';
import { STANDARD_SCHEDULE } from '../../entities/delivery-schedule';
import { createWebhookSender, type WebhookSender } from '../../integrations/webhook-sender';
import { systemClock } from '../../platform/clock';
import { createLog } from '../../platform/log';
import { createFirstAttempts } from '../../worker/first-attempts';
import { createRecorder } from '../../worker/record-batches';
import { openSandbox, type Sandbox } from '../support/sandbox';

const ONE_MINUTE_MS = 60_000;

describe('making first attempts', () => {
  const log = createLog('worker', 'silent');
  let sandbox: Sandbox;
  let receiver: Receiver;
  let sender: WebhookSender;
  beforeAll(async () => {
    [sandbox, receiver] = await Promise.all([openSandbox(systemClock), startReceiver()]);
    sender = createWebhookSender({ allowPrivate: true });
  });
  afterAll(async () => {
    await Promise.all([sender.close(), receiver.close()]);
    await sandbox.close();
  });

  function firstAttempts(perEndpoint: number) {
    const { db, secrets } = sandbox;
    const ignore = (): void => undefined;
    return createFirstAttempts({
      name: 'first attempts',
      clock: systemClock,
      log,
      slots: createEndpointSlots(perEndpoint, 1, 10_000),
      totalSlots: 400,
      perEndpoint,
      claim: (query) => claimFreshAttempts(db, query),
      makeAttempt: createMakeAttempt({ clock: systemClock, secrets, sender }),
      recorder: createRecorder({
        db,
        log,
        schedule: STANDARD_SCHEDULE,
        onDelivered: ignore,
        onFailed: ignore,
      }),
      pollMs: ONE_MINUTE_MS,
    });
  }

  it('takes the next of an endpoint’s queue as soon as one of its slots is free, not at the next poll', async () => {
    await sandbox.newEndpoint(`${receiver.url}/ok?queue`);
    for (let n = 0; n < 60; n++) await sandbox.publish();
    const first = firstAttempts(4);
    first.start();
    await receiver.waitFor((all) => all.filter(({ path }) => path === '/ok?queue').length === 60);
    await first.stop();
    await first.drain();
  });
});
