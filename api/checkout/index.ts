import type { AnyOperation } from '../http/operation';
import { activatePayg } from './activate-payg';
import { createCheckout } from './create-checkout';
import { getStripeConfig } from './get-stripe-config';
import { openPortal } from './open-portal';
import { receiveStripeEvent } from './receive-stripe-event';

export const checkoutOperations = [
  createCheckout,
  openPortal,
  activatePayg,
  getStripeConfig,
  receiveStripeEvent,
] as unknown as AnyOperation[];
