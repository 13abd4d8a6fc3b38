import { z } from 'zod';
import type { BillingCustomer } from '../../entities/billing-customer';
import type { StoredSubscription } from '../../entities/subscription';
import { timestamp } from '../http/schemas';

export const customerReply = z.object({
  object: z.literal('billing_customer'),
  orgId: z.string(),
  stripeCustomerId: z.string(),
  livemode: z.boolean(),
  email: z.string().nullable(),
  name: z.string().nullable(),
  createdAt: timestamp,
  updatedAt: timestamp,
});

export const subscriptionReply = z.object({
  object: z.literal('billing_subscription'),
  id: z.string(),
  orgId: z.string(),
  stripeCustomerId: z.string(),
  planKey: z.string(),
  stripeProductId: z.string().nullable(),
  stripePriceId: z.string().nullable(),
  status: z.string(),
  seats: z.int(),
  currentPeriodStart: timestamp.nullable(),
  currentPeriodEnd: timestamp.nullable(),
  cancelAtPeriodEnd: z.boolean(),
  livemode: z.boolean(),
  createdAt: timestamp,
  updatedAt: timestamp,
});

export function presentCustomer(
  customer: BillingCustomer,
  orgId: string,
): z.input<typeof customerReply> {
  const { stripeCustomerId, email, name, createdAt, updatedAt } = customer;
  return {
    object: 'billing_customer',
    orgId,
    stripeCustomerId,
    livemode: true,
    email,
    name,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}

export function presentSubscription(
  subscription: StoredSubscription,
): z.input<typeof subscriptionReply> {
  return {
    object: 'billing_subscription',
    id: subscription.id,
    orgId: subscription.orgId,
    stripeCustomerId: subscription.customerId,
    planKey: subscription.planKey,
    stripeProductId: subscription.productId,
    stripePriceId: subscription.priceId,
    status: subscription.status,
    seats: subscription.quantity,
    currentPeriodStart: subscription.currentPeriodStart?.toISOString() ?? null,
    currentPeriodEnd: subscription.currentPeriodEnd?.toISOString() ?? null,
    cancelAtPeriodEnd: subscription.cancelAtPeriodEnd,
    livemode: true,
    createdAt: subscription.createdAt.toISOString(),
    updatedAt: subscription.updatedAt.toISOString(),
  };
}
