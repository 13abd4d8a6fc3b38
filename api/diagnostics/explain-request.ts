import { z } from 'zod';
import { artifactsOfRequest } from '../../entities/artifact-summary';
import { AuditRecord } from '../../entities/audit-record';
import { LOG_KINDS, readLog, readReplaysOf, type LogRecord } from '../../entities/event-log';
import {
  countRecords,
  requestsOf,
  type RecordCount,
  type RecordedRequest,
} from '../../entities/request-diagnostics';
import { factsOfRequest } from '../../entities/request-facts';
import { Fault } from '../../platform/fault';
import type { Viewer } from '../artifacts/download-link';
import { artifactReply, presentArtifact } from '../artifacts/present-artifact';
import { logReply, presentLog } from '../events/present-log';
import type { Executor } from '../../entities/sql';
import { operation, type ApiContext } from '../http/operation';
import { text, timestamp } from '../http/schemas';
import { tellStory } from './tell-story';

/** Records of each kind that are shown; the summary counts all. */
const MOST = 500;
const FIRST = { order: 'oldest', after: null, limit: MOST } as const;

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
  const log: LogRecord[] = [];
  for (const kind of LOG_KINDS) {
    log.push(...(await readLog(tx, { ...filter, kind }, FIRST)).records);
  }
  log.push(...(await readReplaysOf(tx, filter)));
  const facts = await factsOfRequest(tx, orgId, requestId, testOnly);
  const artifacts = await artifactsOfRequest(tx, orgId, requestId, testOnly);
  if (requests.length + log.length + facts.length + artifacts.length === 0) {
    throw new Fault('not_found');
  }
  const counts = await countRecords(tx, orgId, requestId, testOnly);
  const of = (kind: LogRecord['kind']) =>
    log.filter((record) => record.kind === kind).map((record) => presentLog(record, orgId));
  const changes =
    explain && !testOnly && mayReadChanges(wanted.viewer.caller)
      ? await tx
          .getRepository(AuditRecord)
          .find({ where: { orgId, requestId }, order: { seq: 'ASC' }, take: MOST })
      : [];
  return {
    object: 'request_diagnostics' as const,
    targetRequestId: requestId,
    orgId,
    usageEvents: requests.map((request) => presentRequest(request, orgId)),
    events: of('event'),
    webhookDeliveries: of('webhook_delivery'),
    streamEvents: of('stream_event'),
    artifacts: artifacts.map((artifact) => presentArtifact(artifact, wanted.viewer)),
    summary: {
      usageEventCount: sumOf(counts, 'request'),
      eventCount: sumOf(counts, 'event'),
      webhookDeliveryCount: sumOf(counts, 'webhook_delivery'),
      streamEventCount: sumOf(counts, 'stream_event'),
      artifactCount: artifacts.length,
      meterClasses: counts
        .filter(({ kind }) => kind === 'request')
        .map(({ name, count }) => ({ meterClass: name, count })),
      eventTypes: counts
        .filter(({ kind }) => kind === 'event')
        .map(({ name, count }) => ({ eventType: name, count })),
    },
    ...(explain ? { story: tellStory({ requests, log, changes, facts, artifacts }) } : {}),
  };
}

function presentRequest(request: RecordedRequest, orgId: string): z.input<typeof usageEvent> {
  return { ...request, recordedAt: request.recordedAt.toISOString(), orgId };
}

/** Audit records are told to those who may read them: who manages members, and operators. */
function mayReadChanges({ scopes }: Viewer['caller']): boolean {
  return scopes.includes('members:manage') || scopes.includes('admin:operator');
}

function sumOf(counts: readonly RecordCount[], kind: RecordCount['kind']): number {
  return counts.reduce((sum, row) => sum + (row.kind === kind ? row.count : 0), 0);
}
