import type { ReceivedRequest } from '../../devstack/receiver';
import { complaintsOf } from '../../devstack/verify-request';
import { createMakeAttempt } from '../../activities/make-attempt';
import { createEndpointSlots } from '../../activities/endpoint-slots';
import {
  createDeliveryActivities,
  type DeliveryActivities,
} from '../../activities/deliver-webhook';
import {
  createRecoveryActivities,
  type RecoveryActivities,
} from '../../activities/recover-endpoint';
import { WebhookEndpoint } from '../../entities/webhook-endpoint';
import { createOrganization } from '../../entities/create-organization';
import { STANDARD_SCHEDULE, type DeliverySchedule } from '../../entities/delivery-schedule';
import { publishEvent, type PublishedEvent } from '../../entities/publish-event';
import { WebhookDelivery } from '../../entities/webhook-delivery';
import { createWebhookSender } from '../../integrations/webhook-sender';
import type { Clock } from '../../platform/clock';
import { newId } from '../../platform/ids';
import { createLog } from '../../platform/log';
import { createSecretBox, type SecretBox } from '../../platform/secret-box';
import { newSigningSecret } from '../../platform/signature';
import { freshDatabase, type TestDatabase } from './database';

/** Rows and parts for tests below the API: an organization, endpoints, events, and the activities that deliver them. */
export interface Sandbox extends TestDatabase {
  readonly orgId: string;
  readonly secrets: SecretBox;
  readonly activities: DeliveryActivities & RecoveryActivities;
  newEndpoint(destinationUrl: string, more?: Partial<WebhookEndpoint>): Promise<WebhookEndpoint>;
  publish(options?: {
    schedule?: DeliverySchedule;
    now?: Date;
    type?: string;
    dataText?: string;
  }): Promise<PublishedEvent>;
  delivery(eventId: string): Promise<WebhookDelivery>;
  /** What a customer would complain of in these requests: signatures that don't verify. */
  complaints(requests: readonly ReceivedRequest[]): Promise<string[]>;
}

export async function openSandbox(clock: Clock): Promise<Sandbox> {
  const database = await freshDatabase();
  const { db } = database;
  const secrets = createSecretBox([Buffer.alloc(32, 7)]);
  const organization = await db.transaction((tx) =>
    createOrganization(tx, { name: 'Acme', planKey: 'team', now: clock.now() }),
  );
  const sender = createWebhookSender({ allowPrivate: true, timeoutMs: 2_000 });
  const deps = {
    db,
    clock,
    log: createLog('worker', 'silent'),
    schedule: STANDARD_SCHEDULE,
    makeAttempt: createMakeAttempt({ clock, secrets, sender }),
    slots: createEndpointSlots(64, 4, 2_000),
  };
  const activities = { ...createDeliveryActivities(deps), ...createRecoveryActivities(deps) };
  const orgId = organization.id;
  return {
    ...database,
    orgId,
    secrets,
    activities,
    async newEndpoint(destinationUrl, more = {}) {
      const id = newId('whe');
      const now = clock.now();
      const endpoint = db.getRepository(WebhookEndpoint).create({
        id,
        orgId,
        livemode: true,
        destinationUrl,
        description: null,
        subscribedEventTypes: [],
        status: 'active',
        secretSealed: secrets.seal(newSigningSecret(), id),
        previousSecretSealed: null,
        previousSecretUntil: null,
        failingSince: null,
        failingTold: 0,
        maxPerSecond: null,
        lastDeliveredAt: null,
        createdAt: now,
        updatedAt: now,
        deletedAt: null,
        ...more,
      });
      await db.getRepository(WebhookEndpoint).insert(endpoint);
      return endpoint;
    },
    publish: (options = {}) =>
      publishEvent(db, {
        orgId,
        livemode: true,
        type: options.type ?? 'filing.published',
        dataText: options.dataText ?? '{"form":"10-K"}',
        requestId: newId('req'),
        now: options.now ?? clock.now(),
        schedule: options.schedule ?? STANDARD_SCHEDULE,
      }),
    delivery: (eventId) => db.getRepository(WebhookDelivery).findOneByOrFail({ eventId }),
    async complaints(requests) {
      const deliveries = await db.getRepository(WebhookDelivery).find();
      const endpoints = await db.getRepository(WebhookEndpoint).find();
      return requests.flatMap((request) => {
        const id = request.headers['secapi-delivery-id'];
        const delivery = deliveries.find((row) => row.id === id);
        const endpoint = endpoints.find((row) => row.id === delivery?.endpointId);
        if (!endpoint) return [`a request to ${request.path} belongs to no known endpoint`];
        return complaintsOf(request, [secrets.open(endpoint.secretSealed, endpoint.id)]);
      });
    },
    async close() {
      await sender.close();
      await database.close();
    },
  };
}
