import { startReceiver, type Receiver } from '../../devstack/receiver';
import { complaintsOf, type HeldSecrets } from '../../devstack/verify-request';
import { createDataSource } from '../../entities/data-source';
import { WebhookDelivery } from '../../entities/webhook-delivery';
import { systemClock } from '../../platform/clock';
import { createLog } from '../../platform/log';
import { startWorker, type RunningWorker } from '../../worker/worker';
import { startApi, type Answer, type Tenant, type TestApi } from './api';
import { leaks } from './leaks';
import { startTemporal, type TestTemporal } from './temporal';

/** The whole product in one process over a real Postgres and a real Temporal, with a receiver beside it. */
export interface Product {
  readonly api: TestApi;
  readonly temporal: TestTemporal;
  readonly receiver: Receiver;
  /** An organization with a live key; the receiver learns the signing secrets from its replies. */
  readonly tenant: Tenant;
  /** Names a secret that must not be found anywhere at the end. */
  handOut(secret: string): void;
  /** Every line that API and worker have logged. */
  readonly lines: readonly string[];
  /** What the worker tells Prometheus. */
  workerMetrics(): Promise<string>;
  /** Stops the worker and starts another. */
  restartWorker(): Promise<void>;
  /** Stops the Temporal server and starts it again where it was, with what it knew. */
  killTemporal(): Promise<void>;
  /**
   * Ends everything. Throws if any request that the receiver got did not verify, or if a secret that was handed out
   * stands in the clear in a log line, a table or a workflow's history.
   */
  close(): Promise<void>;
}

export async function startProduct(settings: Record<string, string> = {}): Promise<Product> {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const [api, temporal, receiver] = await Promise.all([
    startApi(settings, systemClock, createLog('api', 'trace', destination)),
    startTemporal(),
    startReceiver({ kept: Infinity }),
  ]);
  const held = new Map<string, HeldSecrets[]>();
  const handedOut = new Set<string>();
  const tenant = learning(await api.newTenant(), held, handedOut);
  const config = { ...api.config, TEMPORAL_ADDRESS: temporal.address };
  const work = async (): Promise<{ worker: RunningWorker; db: TestApi['database']['db'] }> => {
    const applicationName = 'secapi-test-worker';
    const db = createDataSource({ url: api.database.url, poolSize: 10, applicationName });
    await db.initialize();
    const log = createLog('worker', 'debug', destination);
    const bundle = process.env['TEST_WORKFLOW_BUNDLE'];
    return { worker: startWorker(config, db, log, bundle), db };
  };
  let running = await work();
  const stopWork = async (): Promise<void> => {
    await running.worker.stop();
    await running.db.destroy();
  };
  return {
    api,
    temporal,
    receiver,
    tenant,
    lines,
    workerMetrics: () => running.worker.metrics.metrics(),
    handOut: (secret) => void handedOut.add(secret),
    killTemporal: () => temporal.restart(),
    async restartWorker() {
      await stopWork();
      running = await work();
    },
    async close() {
      await stopWork();
      const complaints = [
        ...(await unverified(api, receiver, held)),
        ...(await leaks(handedOut, { lines, api, temporal })),
      ];
      await Promise.all([api.close(), receiver.close(), temporal.stop()]);
      if (complaints.length > 0) throw new Error(complaints.join('\n'));
    },
  };
}

const SECRET = /secapi_(?:live|test|boot|inv)_[\w-]{30,}|whsec_[\w+/=]{30,}/g;

/** A tenant whose replies teach the secrets that a receiver may see: the new alone, and in an overlap with the old. */
function learning(
  tenant: Tenant,
  held: Map<string, HeldSecrets[]>,
  handedOut: Set<string>,
): Tenant {
  handedOut.add(tenant.key);
  return {
    ...tenant,
    async call(...request): Promise<Answer> {
      const answer = await tenant.call(...request);
      for (const [secret] of answer.text.matchAll(SECRET)) handedOut.add(secret);
      const { object, id, signingSecret } = (answer.body ?? {}) as Record<string, string>;
      if (object === 'webhook_endpoint' && id && signingSecret) {
        const states = held.get(id) ?? [];
        const newest = states.filter((state) => state.length === 1).at(-1);
        held.set(id, [
          ...states,
          ...(newest ? [[signingSecret, newest[0]] as const] : []),
          [signingSecret],
        ]);
      }
      return answer;
    },
  };
}

async function unverified(
  api: TestApi,
  receiver: Receiver,
  held: ReadonlyMap<string, HeldSecrets[]>,
): Promise<string[]> {
  const deliveries = await api.database.db.getRepository(WebhookDelivery).find();
  const endpointOf = new Map(deliveries.map(({ id, endpointId }) => [id, endpointId]));
  return receiver.requests.flatMap((request) => {
    const states = held.get(endpointOf.get(request.headers['secapi-delivery-id'] ?? '') ?? '');
    if (!states) return [`a request to ${request.path} belongs to no known endpoint`];
    const complaints = states.map((secrets) => complaintsOf(request, secrets));
    return complaints.some((found) => found.length === 0) ? [] : (complaints[0] ?? []);
  });
}
