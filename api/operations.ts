import { adminOperations } from './admin';
import { agentOperations } from './agent';
import { artifactOperations } from './artifacts';
import { auditOperations } from './audit';
import { billingOperations } from './billing';
import { checkoutOperations } from './checkout';
import { deliveryOperations } from './deliveries';
import { diagnosticOperations } from './diagnostics';
import { eventOperations } from './events';
import type { AnyOperation } from './http/operation';
import { keyOperations } from './keys';
import { memberOperations } from './members';
import { organizationOperations } from './organizations';
import { recoveryOperations } from './recoveries';
import { streamOperations } from './streams';
import { usageOperations } from './usage';
import { wellKnownOperations } from './well-known';
import { webhookOperations } from './webhooks';

/** The table of contents: every operation, in reading order. Feeds the router, OpenAPI and the docs page. */
export const operations: readonly AnyOperation[] = [
  ...organizationOperations,
  ...memberOperations,
  ...keyOperations,
  ...agentOperations,
  ...eventOperations,
  ...webhookOperations,
  ...deliveryOperations,
  ...recoveryOperations,
  ...streamOperations,
  ...usageOperations,
  ...billingOperations,
  ...checkoutOperations,
  ...artifactOperations,
  ...diagnosticOperations,
  ...auditOperations,
  ...adminOperations,
  ...wellKnownOperations,
];
