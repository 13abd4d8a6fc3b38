/** What the other rooms know of the workflows: names, ids, task queues, inputs and signals. */

export const DELIVERIES_QUEUE = 'deliveries';
/** Everything that is not a delivery, so that a heavy one never delays a webhook. */
export const BUSINESS_QUEUE = 'business';

/** What our workflows can be found by in Temporal, all keywords. */
export const SEARCH_ATTRIBUTES = ['OrgId', 'EndpointId', 'EventType'] as const;

export const SEND_MAIL = 'sendMail';

export interface SendMail {
  readonly mailId: string;
}

/** The one workflow id of a mail. */
export function sendMailId(mailId: string): string {
  return `mail:${mailId}`;
}

export const APPROVE_BUDGET = 'approveBudget';

export interface ApproveBudget {
  readonly approvalId: string;
}

/** The one workflow id of an approval. */
export function approveBudgetId(approvalId: string): string {
  return `budget-approval:${approvalId}`;
}

/** `{decision:"approve"|"reject", upToCents?, note?, by?}` */
export const DECIDE_SIGNAL = 'decide';
export const WITHDRAW_SIGNAL = 'withdraw';

export const RECONCILE_CHECKOUT = 'reconcileCheckout';
export const SWEEP_STRIPE = 'sweepStripe';

export interface ReconcileCheckout {
  readonly checkoutId: string;
}

/** The one workflow id of a checkout. */
export function reconcileCheckoutId(checkoutId: string): string {
  return `checkout:${checkoutId}`;
}

export const END_GRACE = 'endGrace';

export interface EndGrace {
  readonly orgId: string;
}

/** The one workflow id of an organization's time of grace. */
export function endGraceId(orgId: string): string {
  return `grace:${orgId}`;
}

/** Stripe said something about the checkout; the object is fetched again. */
export const STRIPE_SAID_SIGNAL = 'stripeSaid';

export const BUILD_ARTIFACT = 'buildArtifact';

export interface BuildArtifact {
  readonly artifactId: string;
}

/** The one workflow id of an artifact. */
export function buildArtifactId(artifactId: string): string {
  return `artifact:${artifactId}`;
}

/** Drops what is older than it is kept; started by a schedule. */
export const PRUNE_RECORDS = 'pruneRecords';

export const DELIVER_WEBHOOK = 'deliverWebhook';

export interface DeliverWebhook {
  readonly deliveryId: string;
  /** Started for a delivery that has arrived, which is final: at this attempt, so that its row need not be read. */
  readonly arrivedAt?: number;
}

/** How a delivery's workflow ended. */
export type DeliveryEnd = 'delivered' | 'failed' | 'cancelled' | 'gone';

/** Retry now, or again after the end. An operator's signal has no id and counts each time; a repeated id is dropped. */
export interface ReplaySignal {
  readonly replayId?: string;
}

export const REPLAY_SIGNAL = 'replay';
export const CANCEL_SIGNAL = 'cancel';
/** Look at the row again: something about it has changed. */
export const WAKE_SIGNAL = 'wake';

/** The one workflow id of a delivery. */
export function deliverWebhookId(deliveryId: string): string {
  return `deliver-webhook:${deliveryId}`;
}

export const RECOVER_ENDPOINT = 'recoverEndpoint';

export interface RecoverEndpoint {
  readonly recoveryId: string;
}

/** How a recovery's workflow ended. */
export type RecoveryEnd = 'done' | 'cancelled' | 'gone';

/** An operator's decisions; they are carried out by the same function as the API's. `cancel` is a delivery's too. */
export const PAUSE_SIGNAL = 'pause';
export const RESUME_SIGNAL = 'resume';

/** The one workflow id of a recovery. */
export function recoverEndpointId(recoveryId: string): string {
  return `recover:${recoveryId}`;
}
