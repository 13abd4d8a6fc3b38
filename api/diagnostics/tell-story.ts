import type { Artifact } from '../../entities/artifact';
import type { AuditRecord } from '../../entities/audit-record';
import type { LogRecord } from '../../entities/event-log';
import type { RecordedRequest } from '../../entities/request-diagnostics';
import type { RequestFact } from '../../entities/request-facts';
import { usdFromMicros } from '../../platform/money';

/** One line of a story. `order` sorts what happened in the same millisecond: causes before effects. */
interface Line {
  readonly at: Date;
  readonly order: number;
  readonly text: string;
}

/** What happened, in order, in words that need no knowledge of the tables. */
export function tellStory(heard: {
  readonly requests: readonly RecordedRequest[];
  readonly log: readonly LogRecord[];
  readonly changes: readonly AuditRecord[];
  readonly facts: readonly RequestFact[];
  readonly artifacts: readonly Artifact[];
}): { at: string; text: string }[] {
  const lines: Line[] = [
    ...heard.requests.map(ofRequest),
    ...heard.changes.map(ofChange),
    ...heard.facts.map(ofFact),
    ...heard.artifacts.flatMap(ofArtifact),
    ...ofLog(heard.log),
  ];
  return lines
    .sort((a, b) => a.at.getTime() - b.at.getTime() || a.order - b.order)
    .map(({ at, text }) => ({ at: at.toISOString(), text }));
}

/** A request stands where it came in, though it was recorded when it was answered. */
function ofRequest(request: RecordedRequest): Line {
  const { method, path, status, latencyMs, principalId, recordedAt } = request;
  const who = principalId ?? 'somebody';
  const text = `${who} sent ${method} ${path}; it was answered ${status} after ${latencyMs} ms`;
  return { at: new Date(recordedAt.getTime() - latencyMs), order: -1, text };
}

/** How an artifact came out; one that is being built for the first time has no end to tell yet. */
function ofArtifact(artifact: Artifact): Line[] {
  const { id, kind, report, status, records, byteLength, error, finishedAt: at } = artifact;
  if (at === null) return [];
  const what = `the ${kind.replace('_', ' ')} of ${report} (${id})`;
  const ends = {
    pending: 'was being built again',
    failed: `failed: ${(error ?? 'unknown').replaceAll('_', ' ')}`,
    ready: `was ready: ${records} records in ${byteLength ?? 0} bytes`,
  };
  return [{ at, order: 8, text: `${what} ${ends[status]}` }];
}

function ofChange(change: AuditRecord): Line {
  const { action, actorType, actorId, targetType, targetId, recordedAt } = change;
  const who = `${actorType.replaceAll('_', ' ')} ${actorId ?? ''}`.trim();
  const text = `${who} changed ${targetType.replaceAll('_', ' ')} ${targetId}: ${action}`;
  return { at: recordedAt, order: 2, text };
}

/** Records oldest first; attempts of a delivery are numbered as they come. */
function ofLog(log: readonly LogRecord[]): Line[] {
  const attempts = new Map<string, number>();
  return log.map((record) => {
    const { kind, eventType, eventId, recordedAt: at } = record;
    if (kind === 'event') {
      return { at, order: 0, text: `the event ${eventType} (${eventId}) was stored` };
    }
    if (kind === 'stream_event') {
      return {
        at,
        order: 1,
        text: `${eventType} was put into the stream ${record.streamId ?? ''}`,
      };
    }
    const number = (attempts.get(record.deliveryId ?? '') ?? 0) + 1;
    attempts.set(record.deliveryId ?? '', number);
    return { at, order: 4, text: ofAttempt(record, number) };
  });
}

function ofAttempt(record: LogRecord, number: number): string {
  const { eventType, destinationUrl, status, ok, error, latencyMs } = record;
  const name =
    record.replayedFrom === null
      ? `attempt ${number}`
      : `attempt ${number}, the replay asked for by hand,`;
  if (ok)
    return `${name} arrived: ${destinationUrl} took ${eventType} with HTTP ${status} after ${latencyMs} ms`;
  const why = status === null ? (error ?? 'no answer').replaceAll('_', ' ') : `HTTP ${status}`;
  return `${name} failed: ${destinationUrl} did not take ${eventType} (${why})`;
}

type Told = Readonly<Record<string, string | number | null>>;
const dollars = (micros: unknown): string => `$${usdFromMicros(BigInt(Number(micros)))}`;

/** Where a kind of fact stands among others of its moment, and how it is told. */
const WORDS: Record<RequestFact['kind'], readonly [number, (told: Told) => string]> = {
  delivery: [3, (d) => `${d['eventType']} set out for ${d['url']} (delivery ${d['id']})`],
  delivery_due: [9, (d) => `attempt ${d['attempt']} of delivery ${d['id']} is due`],
  delivery_ended: [
    8,
    (d) => `delivery ${d['id']} ended: ${d['status']}, attempts: ${d['attempts']}`,
  ],
  replay: [3, ofReplay],
  recovery: [
    3,
    (d) =>
      `a recovery of endpoint ${d['endpoint']} began: ${d['total']} failed deliveries (${d['id']})`,
  ],
  recovery_ended: [
    8,
    (d) =>
      `the recovery ended: ${d['status']}; ${d['succeeded']} arrived, ${d['failed']} failed again`,
  ],
  charge: [
    3,
    (d) =>
      `${d['units']} × ${d['meterClass']} ${d['reserved'] === 1 ? 'were reserved' : 'were charged'}: ${dollars(d['micros'])} (${d['id']})`,
  ],
  charge_settled: [8, (d) => `the reservation ${d['id']} was settled: ${d['status']}`],
  usage: [3, (d) => `${d['units']} × ${d['meterClass']} were reported as used (${d['id']})`],
  approval: [
    3,
    (d) => `people were asked to approve spend over ${d['thresholdCents']} cents (${d['id']})`,
  ],
  approval_ended: [
    8,
    (d) => `the approval ${d['id']} was ${d['status']} by ${d['by'] ?? 'nobody in time'}`,
  ],
  checkout: [3, (d) => `a checkout of the plan ${d['plan']} was opened (${d['id']})`],
  checkout_ended: [8, (d) => `the checkout ${d['id']} ended: ${d['status']}`],
  mail: [5, (d) => `a mail was written: ${d['subject']}`],
  mail_sent: [8, (d) => `the mail was sent: ${d['subject']}`],
};

function ofFact({ kind, at, details }: RequestFact): Line {
  const [order, tell] = WORDS[kind];
  return { at, order, text: tell(details) };
}

function ofReplay(d: Told): string {
  const by = d['recovery'] === null ? (d['by'] ?? 'an operator') : `the recovery ${d['recovery']}`;
  const where = d['request'] === null ? '' : `, in request ${d['request']}`;
  const refused = d['status'] === 'refused' ? '; it could not be made' : '';
  return `${by} asked to replay delivery ${d['id']}${where}${refused}`;
}
