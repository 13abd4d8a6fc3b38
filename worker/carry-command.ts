import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import type { Command, DeliveryLabels } from '../entities/outbox';
import {
  APPROVE_BUDGET,
  approveBudgetId,
  BUSINESS_QUEUE,
  DELIVER_WEBHOOK,
  DELIVERIES_QUEUE,
  deliverWebhookId,
  SEND_MAIL,
  sendMailId,
  WAKE_SIGNAL,
  type ApproveBudget,
  type DeliverWebhook,
  type SendMail,
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
      return startMail(client, command.ref, command.payload);
    case 'start_approval':
      return startApproval(client, command.ref, command.payload);
    case 'wake_approval':
      return signalRunning(client, approveBudgetId(command.ref), WAKE_SIGNAL);
    case 'signal_delivery': {
      const { signal, ...labels } = command.payload;
      if (signal.name === 'replay') {
        await client.workflow.signalWithStart(DELIVER_WEBHOOK, {
          ...deliveryOptions(command.ref, labels),
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

/** Starts an approval's workflow; one that was started before counts as done. */
async function startApproval(
  client: Client,
  approvalId: string,
  about: { readonly orgId: string; readonly summary: string },
): Promise<void> {
  const args: [ApproveBudget] = [{ approvalId }];
  await client.workflow.start(APPROVE_BUDGET, {
    workflowId: approveBudgetId(approvalId),
    taskQueue: BUSINESS_QUEUE,
    args,
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: about.summary,
    typedSearchAttributes: new TypedSearchAttributes([{ key: ORG_ID, value: about.orgId }]),
  });
}

/** Starts a delivery's workflow; one that runs already counts as done. */
export async function startDelivery(
  client: Client,
  deliveryId: string,
  labels: DeliveryLabels,
  options: { readonly eager?: boolean } = {},
): Promise<void> {
  try {
    await client.workflow.start(DELIVER_WEBHOOK, {
      ...deliveryOptions(deliveryId, labels),
      ...(options.eager ? { requestEagerStart: true } : {}),
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

/** Starts a mail's workflow; one that was started before sends nothing twice. */
async function startMail(
  client: Client,
  mailId: string,
  about: { readonly orgId: string; readonly subject: string },
): Promise<void> {
  const args: [SendMail] = [{ mailId }];
  await client.workflow.start(SEND_MAIL, {
    workflowId: sendMailId(mailId),
    taskQueue: BUSINESS_QUEUE,
    args,
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: about.subject,
    typedSearchAttributes: new TypedSearchAttributes([{ key: ORG_ID, value: about.orgId }]),
  });
}

function deliveryOptions(deliveryId: string, labels: DeliveryLabels) {
  const args: [DeliverWebhook] = [{ deliveryId }];
  return {
    workflowId: deliverWebhookId(deliveryId),
    taskQueue: DELIVERIES_QUEUE,
    args,
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowTaskTimeout: '30 s',
    staticSummary: `${labels.eventType} to ${labels.endpointId}`,
    typedSearchAttributes: new TypedSearchAttributes([
      { key: ORG_ID, value: labels.orgId },
      { key: ENDPOINT_ID, value: labels.endpointId },
      { key: EVENT_TYPE, value: labels.eventType },
    ]),
  } as const;
}
