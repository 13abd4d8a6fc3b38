import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import type { Command, DeliveryLabels } from '../entities/outbox';
import type { AttemptOutcome } from '../entities/record-attempt';
import {
  APPROVE_BUDGET,
  approveBudgetId,
  BUILD_ARTIFACT,
  buildArtifactId,
  BUSINESS_QUEUE,
  DELIVER_WEBHOOK,
  DELIVERIES_QUEUE,
  deliverWebhookId,
  END_GRACE,
  endGraceId,
  RECONCILE_CHECKOUT,
  reconcileCheckoutId,
  RECOVER_ENDPOINT,
  recoverEndpointId,
  SEND_MAIL,
  sendMailId,
  WAKE_SIGNAL,
  type DeliverWebhook,
} from '../workflows/contracts';
import type { Carry } from './relay';

/** The server blocks 20 s while it is away; no call of ours waits longer than this. */
const CALL_MS = 5_000;

const ORG_ID = defineSearchAttributeKey('OrgId', 'KEYWORD');
const ENDPOINT_ID = defineSearchAttributeKey('EndpointId', 'KEYWORD');
const EVENT_TYPE = defineSearchAttributeKey('EventType', 'KEYWORD');

/** Carries commands with the client at hand; throws while there is none, so that they wait. */
export function createCarry(client: () => Client | null): Carry {
  return async (command) => {
    const temporal = client();
    if (!temporal) throw new Error('Temporal is away');
    await temporal.withDeadline(Date.now() + CALL_MS, () => carry(temporal, command));
  };
}

async function carry(client: Client, command: Command): Promise<void> {
  switch (command.kind) {
    case 'start_delivery':
      return startDelivery(client, command.ref, command.payload);
    case 'send_mail':
      return startBusiness(client, {
        workflow: SEND_MAIL,
        workflowId: sendMailId(command.ref),
        input: { mailId: command.ref },
        summary: command.payload.subject,
        orgId: command.payload.orgId,
      });
    case 'start_approval':
      return startBusiness(client, {
        workflow: APPROVE_BUDGET,
        workflowId: approveBudgetId(command.ref),
        input: { approvalId: command.ref },
        summary: command.payload.summary,
        orgId: command.payload.orgId,
      });
    case 'start_checkout':
      return startBusiness(client, {
        workflow: RECONCILE_CHECKOUT,
        workflowId: reconcileCheckoutId(command.ref),
        input: { checkoutId: command.ref },
        summary: command.payload.summary,
        orgId: command.payload.orgId,
      });
    case 'start_artifact':
      await client.workflow.signalWithStart(BUILD_ARTIFACT, {
        ...businessOptions({
          workflowId: buildArtifactId(command.ref),
          input: { artifactId: command.ref },
          summary: command.payload.summary,
          orgId: command.payload.orgId,
        }),
        signal: WAKE_SIGNAL,
      });
      return;
    case 'wake_checkout':
      return signalRunning(client, reconcileCheckoutId(command.ref), WAKE_SIGNAL);
    case 'start_grace':
      return startGrace(client, command.ref);
    case 'wake_grace':
      return signalRunning(client, endGraceId(command.ref), WAKE_SIGNAL);
    case 'wake_approval':
      return signalRunning(client, approveBudgetId(command.ref), WAKE_SIGNAL);
    case 'recover_endpoint':
      await client.workflow.signalWithStart(RECOVER_ENDPOINT, {
        workflowId: recoverEndpointId(command.ref),
        taskQueue: DELIVERIES_QUEUE,
        args: [{ recoveryId: command.ref }],
        signal: WAKE_SIGNAL,
        signalArgs: [],
        staticSummary: `recovery of ${command.payload.endpointId}`,
        typedSearchAttributes: new TypedSearchAttributes([
          { key: ORG_ID, value: command.payload.orgId },
          { key: ENDPOINT_ID, value: command.payload.endpointId },
        ]),
      });
      return;
    case 'signal_delivery': {
      const { signal, ...labels } = command.payload;
      if (signal.name === 'replay') {
        await client.workflow.signalWithStart(DELIVER_WEBHOOK, {
          ...deliveryOptions({ deliveryId: command.ref }, labels),
          signal: signal.name,
          signalArgs: [{ replayId: signal.replayId }],
        });
        return;
      }
      return signalRunning(client, deliverWebhookId(command.ref), signal.name);
    }
  }
}

/** Signals a workflow; one that has ended has nothing left to hear. */
async function signalRunning(client: Client, workflowId: string, name: string): Promise<void> {
  try {
    await client.workflow.getHandle(workflowId).signal(name);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

/** How a workflow of the business queue is found, started and read in Temporal's UI. */
interface BusinessStart {
  readonly workflowId: string;
  readonly input: object;
  readonly summary: string;
  readonly orgId?: string;
}

/** Starts a workflow of the business queue; one that runs already counts as done. */
async function startBusiness(
  client: Client,
  { workflow, ...what }: BusinessStart & { readonly workflow: string },
): Promise<void> {
  await client.workflow.start(workflow, businessOptions(what));
}

function businessOptions({ workflowId, input, summary, orgId }: BusinessStart) {
  return {
    workflowId,
    taskQueue: BUSINESS_QUEUE,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: summary,
    ...(orgId === undefined
      ? {}
      : { typedSearchAttributes: new TypedSearchAttributes([{ key: ORG_ID, value: orgId }]) }),
  } as const;
}

/** Starts what ends a time of grace; one that still runs from an earlier time looks again. */
async function startGrace(client: Client, orgId: string): Promise<void> {
  await client.workflow.signalWithStart(END_GRACE, {
    workflowId: endGraceId(orgId),
    taskQueue: BUSINESS_QUEUE,
    args: [{ orgId }],
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: `time of grace of ${orgId}`,
    typedSearchAttributes: new TypedSearchAttributes([{ key: ORG_ID, value: orgId }]),
    signal: WAKE_SIGNAL,
  });
}

/** Starts a delivery's workflow; one that runs already counts as done. */
async function startDelivery(
  client: Client,
  deliveryId: string,
  labels: DeliveryLabels,
): Promise<void> {
  await startOnce(() =>
    client.workflow.start(DELIVER_WEBHOOK, deliveryOptions({ deliveryId }, labels)),
  );
}

/** Gives a delivery that arrived at its first attempt its workflow, which ends at once. */
export async function showDelivery(client: Client, outcome: AttemptOutcome): Promise<void> {
  const { deliveryId, attempt: arrivedAt, labels } = outcome;
  await startOnce(() =>
    client.workflow.start(DELIVER_WEBHOOK, {
      ...deliveryOptions({ deliveryId, arrivedAt }, labels),
      requestEagerStart: true,
    }),
  );
}

async function startOnce(start: () => Promise<unknown>): Promise<void> {
  try {
    await start();
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

function deliveryOptions(input: DeliverWebhook, labels: DeliveryLabels) {
  const args: [DeliverWebhook] = [input];
  return {
    workflowId: deliverWebhookId(input.deliveryId),
    taskQueue: DELIVERIES_QUEUE,
    args,
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: `${labels.eventType} to ${labels.endpointId}`,
    typedSearchAttributes: new TypedSearchAttributes([
      { key: ORG_ID, value: labels.orgId },
      { key: ENDPOINT_ID, value: labels.endpointId },
      { key: EVENT_TYPE, value: labels.eventType },
    ]),
  } as const;
}
