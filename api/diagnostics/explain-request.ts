import { z } from 'zod';
import { artifactsOfRequest } from '../../entities/artifact-summary';
import { AuditRecord } from '../../entities/audit-record';
import { readLog, readReplaysOf, type LogRecord } from '../../entities/event-log';
import { requestsOf, type RecordedRequest } from '../../entities/request-diagnostics';
import { factsOfRequest } from '../../entities/request-facts';
import { Fault } from '../../platform/fault';
import type { Viewer } from '../artifacts/download-link';
import { artifactReply, presentArtifact } from '../artifacts/present-artifact';
import { logReply, presentLog } from '../events/present-log';
import type { Executor } from '../../entities/sql';
import { operation, type ApiContext } from '../http/operation';
import { text, timestamp } from '../http/schemas';
import { tellStory } from './tell-story';

const MOST = 500;

const usageEvent = z.object({
  recordedAt: timestamp,
  requestId: z.string(),
  orgId: z.string(),
  principalId: z.string().nullable(),
  authMode: z.string().nullable(),
  meterClass: z.string(),
  method: z.string(),
  path: z.string(),
  status: z.int(),
  latencyMs: z.int(),
});

export const diagnosticsReply = z.object({
  object: z.literal('request_diagnostics'),
  targetRequestId: z.string(),
  orgId: z.string(),
  usageEvents: z.array(usageEvent),
  events: z.array(logReply),
  webhookDeliveries: z.array(logReply),
  streamEvents: z.array(logReply),
  artifacts: z.array(artifactReply),
  summary: z.object({
    usageEventCount: z.int(),
    eventCount: z.int(),
    webhookDeliveryCount: z.int(),
    streamEventCount: z.int(),
    artifactCount: z.int(),
    meterClasses: z.array(z.object({ meterClass: z.string(), count: z.int() })),
    eventTypes: z.array(z.object({ eventType: z.string(), count: z.int() })),
  }),
  story: z.array(z.object({ at: timestamp, text: z.string() })).optional(),
});

export const explainRequest = operation({
  name: 'explainRequest',
  method: 'get',
  path: '/v1/diagnostics/requests/:requestId',
  summary: 'Show everything that a request caused, over all time; ?explain=true tells it in words',
  tag: 'diagnostics',
  scope: 'read:sec',
  transaction: 'none',
  input: z.object({ requestId: text(64, 1), explain: z.enum(['true', 'false']).optional() }),
  reply: diagnosticsReply,
  handle: ({ tx, input, caller, context, now }) =>
    diagnose(tx, context, {
      viewer: { caller, context, now },
      orgId: caller.orgId,
      testOnly: !caller.livemode,
      requestId: input.requestId,
      explain: input.explain === 'true',
    }),
});

/** Everything that a request of an organization caused. Throws not_found where nothing is known of it. */
export async function diagnose(
  tx: Executor,
  context: ApiContext,
  wanted: {
    readonly viewer: Viewer;
    readonly orgId: string;
    readonly testOnly: boolean;
    readonly requestId: string;
    readonly explain: boolean;
  },
): Promise<z.input<typeof diagnosticsReply>> {
  const { orgId, testOnly, requestId, explain } = wanted;
  await context.requestLog.flush();
  const requests = await requestsOf(tx, orgId, requestId, testOnly);
  const filter = { orgId, testOnly, requestId };
  const own = await readLog(tx, filter, { order: 'newest', after: null, limit: MOST });
  const log = [...own.reverse(), ...(await readReplaysOf(tx, filter))];
  const facts = await factsOfRequest(tx, orgId, requestId, testOnly);
  const artifacts = await artifactsOfRequest(tx, orgId, requestId, testOnly);
  if (requests.length + log.length + facts.length + artifacts.length === 0) {
    throw new Fault('not_found');
  }
  const of = (kind: LogRecord['kind']) =>
    log.filter((record) => record.kind === kind).map((record) => presentLog(record, orgId));
  const events = of('event');
  const webhookDeliveries = of('webhook_delivery');
  const streamEvents = of('stream_event');
  const changes = explain
    ? await tx.getRepository(AuditRecord).find({ where: { orgId, requestId }, take: MOST })
    : [];
  return {
    object: 'request_diagnostics' as const,
    targetRequestId: requestId,
    orgId,
    usageEvents: requests.map((request) => presentRequest(request, orgId)),
    events,
    webhookDeliveries,
    streamEvents,
    artifacts: artifacts.map((artifact) => presentArtifact(artifact, wanted.viewer)),
    summary: {
      usageEventCount: requests.length,
      eventCount: events.length,
      webhookDeliveryCount: webhookDeliveries.length,
      streamEventCount: streamEvents.length,
      artifactCount: artifacts.length,
      meterClasses: countBy(requests.map((request) => request.meterClass)).map(
        ([meterClass, count]) => ({ meterClass, count }),
      ),
      eventTypes: countBy(
        log.filter(({ kind }) => kind === 'event').map((record) => record.eventType),
      ).map(([eventType, count]) => ({ eventType, count })),
    },
    ...(explain ? { story: tellStory({ requests, log, changes, facts, artifacts }) } : {}),
  };
}

function presentRequest(request: RecordedRequest, orgId: string): z.input<typeof usageEvent> {
  return { ...request, recordedAt: request.recordedAt.toISOString(), orgId };
}

function countBy(names: readonly string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}
