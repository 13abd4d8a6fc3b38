import { Readable } from 'node:stream';
import { z } from 'zod';
import {
  readLog,
  type LogFilter,
  type LogPosition,
  type LogRecord,
} from '../../entities/event-log';
import { LOG_COLUMNS, logCells } from '../../entities/log-line';
import { csv, CSV_TYPE } from '../../platform/csv';
import { stringifyWithRaw } from '../../platform/raw-json';
import { operation, RawAnswer, type ApiContext, type HandleArguments } from '../http/operation';
import { cursor } from '../http/schemas';
import { filterOf, logFilter, positionOf, positionText } from './list-log';
import { presentLog } from './present-log';

const PAGE = 500;
const MOST_IN_ENVELOPE = 10_000;
const DEFAULT_IN_ENVELOPE = 1_000;

const exportInput = logFilter.extend({
  format: z.enum(['json', 'ndjson', 'csv']).default('json'),
  limit: z.coerce
    .string()
    .regex(/^[1-9][0-9]{0,8}$/, 'must be a positive whole number')
    .transform(Number)
    .optional(),
  cursor,
});

const shared = {
  method: 'get',
  tag: 'events',
  scope: 'read:sec',
  transaction: 'one',
  audits: 'events.exported',
  input: exportInput,
  reply: z.object({
    object: z.literal('event_export'),
    format: z.enum(['json', 'ndjson']),
    count: z.int(),
    content: z.string(),
  }),
  handle: exportRecords,
} as const;

export const exportEventLog = operation({
  ...shared,
  name: 'exportEvents',
  path: '/v1/events/export',
  summary: 'Export the log, oldest first: JSON in one answer, NDJSON or CSV as a stream',
});

export const exportDeliveryEventLog = operation({
  ...shared,
  name: 'exportDeliveryEvents',
  path: '/v1/delivery/events/export',
  summary: 'The same export, where older clients look for it',
});

async function exportRecords({
  input,
  caller,
  context,
  headers,
  audit,
}: HandleArguments<z.output<typeof exportInput>, 'one'>) {
  const { orgId } = caller;
  const filter = filterOf(caller, input);
  const after =
    input.cursor === undefined
      ? null
      : positionOf(context.cursors.decode('export', orgId, input.cursor));
  const { format } = input;
  audit({
    action: 'events.exported',
    target: { type: 'organization', id: orgId },
    after: { format, kind: input.kind ?? null, type: input.type ?? null },
  });
  const wantsJson = /\bapplication\/json\b/i.test(headers.accept ?? '');
  if (format === 'csv') {
    return new RawAnswer(CSV_TYPE, Readable.from(csvLines(context, filter, after, input.limit)));
  }
  if (format === 'ndjson' && !wantsJson) {
    const lines = jsonLines(context, filter, after, input.limit);
    return new RawAnswer('application/x-ndjson', Readable.from(lines));
  }
  const limit = Math.min(input.limit ?? DEFAULT_IN_ENVELOPE, MOST_IN_ENVELOPE);
  const texts: string[] = [];
  for await (const record of records(context, filter, after, limit)) {
    texts.push(stringifyWithRaw(presentLog(record, orgId)));
  }
  const content =
    format === 'json' ? `[${texts.join(',')}]` : texts.map((text) => `${text}\n`).join('');
  return { object: 'event_export' as const, format, count: texts.length, content };
}

/** Records oldest first, page by page: what is in memory is one page, whatever the log holds. */
async function* records(
  { db }: ApiContext,
  filter: LogFilter,
  after: LogPosition | null,
  limit = Infinity,
): AsyncGenerator<LogRecord> {
  let left = limit;
  let position = after;
  while (left > 0) {
    const page = await readLog(db, filter, {
      order: 'oldest',
      after: position,
      limit: Math.min(PAGE, left),
    });
    yield* page;
    left -= page.length;
    position = page.at(-1) ?? position;
    if (page.length < PAGE) return;
  }
}

/** One record a line, each with the cursor from which an export that broke off goes on. */
async function* jsonLines(
  context: ApiContext,
  filter: LogFilter,
  after: LogPosition | null,
  limit?: number,
): AsyncGenerator<string> {
  const { orgId } = filter;
  for await (const record of records(context, filter, after, limit)) {
    const exportCursor = context.cursors.encode('export', orgId, positionText(record));
    yield `${stringifyWithRaw({ ...presentLog(record, orgId), exportCursor })}\n`;
  }
}

async function* csvLines(
  context: ApiContext,
  filter: LogFilter,
  after: LogPosition | null,
  limit?: number,
): AsyncGenerator<string> {
  yield csv(LOG_COLUMNS, []);
  let batch: (string | number | null)[][] = [];
  for await (const record of records(context, filter, after, limit)) {
    batch.push(logCells(record));
    if (batch.length < PAGE) continue;
    yield csv(null, batch);
    batch = [];
  }
  if (batch.length > 0) yield csv(null, batch);
}
