export { approveBudget } from './approve-budget';
export { buildArtifact } from './build-artifact';
export { deliverWebhook } from './deliver-webhook';
export { pruneRecords } from './prune-records';
export { endGrace } from './end-grace';
export { reconcileCheckout, sweepStripe } from './reconcile-checkout';
export { recoverEndpoint } from './recover-endpoint';
export { sendMail } from './send-mail';
