export { approveBudget } from './approve-budget';
export { deliverWebhook } from './deliver-webhook';
export { sendMail } from './send-mail';
