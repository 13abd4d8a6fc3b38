import { adminOperations } from './admin';
import { deliveryOperations } from './deliveries';
import { eventOperations } from './events';
import type { AnyOperation } from './http/operation';
import { keyOperations } from './keys';
import { organizationOperations } from './organizations';
import { webhookOperations } from './webhooks';

/** The table of contents: every operation, in reading order. Feeds the router, OpenAPI and the docs page. */
export const operations: readonly AnyOperation[] = [
  ...organizationOperations,
  ...keyOperations,
  ...eventOperations,
  ...webhookOperations,
  ...deliveryOperations,
  ...adminOperations,
];
