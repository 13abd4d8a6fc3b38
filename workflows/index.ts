export { approveBudget } from './approve-budget';
export { deliverWebhook } from './deliver-webhook';
export { reconcileCheckout, sweepStripe } from './reconcile-checkout';
export { sendMail } from './send-mail';
