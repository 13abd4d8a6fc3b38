export { checkDestination, checkResolvedHost } from './destination-guard';
export { parseRetryAfter } from './retry-after';
export {
  createWebhookSender,
  type SendOutcome,
  type SendRequest,
  type WebhookSender,
} from './send-webhook';
