import { z } from 'zod';
import type { LogFilter } from '../../entities/event-log';
import { CSV_TYPE } from '../../platform/csv';
import { lineWithRaw, stringifyWithRaw } from '../../platform/raw-json';
import { operation, RawAnswer, type HandleArguments } from '../http/operation';
import { cursor } from '../http/schemas';
import { csvPages, linePages, NDJSON_TYPE, recordPages } from './export-pages';
import { streamOf } from './export-stream';
import { filterOf, logFilter, positionOf, positionText } from './list-log';
import { presentLog } from './present-log';

const MOST_IN_ENVELOPE = 10_000;
const DEFAULT_IN_ENVELOPE = 1_000;
/** An envelope ends with the record that reaches this (characters). */
const MOST_TEXT = 32 * 2 ** 20;

/** Of a CSV the cursor may come with the apostrophe that keeps it from being a formula. */
const exportInput = logFilter.extend({
  format: z.enum(['json', 'ndjson', 'csv']).default('json'),
  limit: z.coerce
    .string()
    .regex(/^0*[1-9][0-9]*$/, 'must be a positive whole number')
    .transform((digits) => Math.min(Number(digits), Number.MAX_SAFE_INTEGER))
    .optional(),
  cursor: cursor.transform((text) => text?.replace(/^'/, '')),
});

const shared = {
  method: 'get',
  tag: 'events',
  scope: 'read:sec',
  transaction: 'own',
  audits: 'events.exported',
  input: exportInput,
  reply: z.object({
    object: z.literal('event_export'),
    format: z.enum(['json', 'ndjson']),
    count: z.int(),
    content: z.string(),
    nextCursor: z.string().nullable(),
  }),
  forms: [NDJSON_TYPE, CSV_TYPE],
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

type Arguments = HandleArguments<z.output<typeof exportInput>, 'own'>;

async function exportRecords(args: Arguments) {
  const { input, caller, context, headers, audit, requestId } = args;
  const { orgId } = caller;
  const { format, kind, type, since } = input;
  const after =
    input.cursor === undefined
      ? null
      : positionOf(context.cursors.decode('export', orgId, input.cursor));
  audit({
    action: 'events.exported',
    target: { type: 'organization', id: orgId },
    after: {
      format,
      kind: kind ?? null,
      type: type ?? null,
      requestId: input.requestId ?? null,
      since: since?.toISOString() ?? null,
    },
  });
  const filter = filterOf(caller, input);
  const wantsJson = /\bapplication\/json\b/i.test(headers.accept ?? '');
  if (format === 'json' || (format === 'ndjson' && wantsJson)) {
    return envelope(args, filter, after);
  }
  const pages = recordPages(context.db, filter, after, input.limit);
  const texts =
    format === 'csv' ? csvPages(context, orgId, pages) : linePages(context, orgId, pages);
  const stream = await streamOf(texts, { log: context.log, requestId, orgId, format });
  return new RawAnswer(format === 'csv' ? CSV_TYPE : NDJSON_TYPE, stream);
}

async function envelope(
  { input, caller: { orgId }, context }: Arguments,
  filter: LogFilter,
  after: Parameters<typeof recordPages>[2],
) {
  const limit = Math.min(input.limit ?? DEFAULT_IN_ENVELOPE, MOST_IN_ENVELOPE);
  const format = input.format === 'ndjson' ? ('ndjson' as const) : ('json' as const);
  const texts: string[] = [];
  let last: string | null = null;
  let more = false;
  let length = 0;
  for await (const page of recordPages(context.db, filter, after, limit + 1)) {
    for (const record of page) {
      more = texts.length === limit || length >= MOST_TEXT;
      if (more) break;
      const shown = presentLog(record, orgId);
      const text = format === 'json' ? stringifyWithRaw(shown) : `${lineWithRaw(shown)}\n`;
      texts.push(text);
      length += text.length;
      last = positionText(record);
    }
    if (more) break;
  }
  return {
    object: 'event_export' as const,
    format,
    count: texts.length,
    content: format === 'json' ? `[${texts.join(',')}]` : texts.join(''),
    nextCursor: more && last !== null ? context.cursors.encode('export', orgId, last) : null,
  };
}
