export { approveBudget } from './approve-budget';
export { deliverWebhook } from './deliver-webhook';
export { pruneRecords } from './prune-records';
export { reconcileCheckout, sweepStripe } from './reconcile-checkout';
export { sendMail } from './send-mail';
