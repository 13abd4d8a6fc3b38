import type { AnyOperation } from '../http/operation';
import { createWebhookEndpoint } from './create-endpoint';
import { deleteWebhookEndpoint } from './delete-endpoint';
import { getWebhookEndpoint } from './get-endpoint';
import { listWebhookAttempts } from './list-attempts';
import { listWebhookEndpoints } from './list-endpoints';
import { replayEndpointDelivery } from './replay-delivery';
import { rotateWebhookSecret } from './rotate-secret';
import { testWebhookEndpoint } from './test-endpoint';
import { updateWebhookEndpoint } from './update-endpoint';

export const webhookOperations = [
  listWebhookEndpoints,
  createWebhookEndpoint,
  getWebhookEndpoint,
  updateWebhookEndpoint,
  deleteWebhookEndpoint,
  rotateWebhookSecret,
  testWebhookEndpoint,
  listWebhookAttempts,
  replayEndpointDelivery,
] as unknown as AnyOperation[];
