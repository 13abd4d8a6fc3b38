import { z } from 'zod';
import { LOG_KINDS, readLog, type LogFilter, type LogPosition } from '../../entities/event-log';
import { Fault } from '../../platform/fault';
import { listPage } from '../http/cursor';
import { operation, type Caller, type HandleArguments } from '../http/operation';
import { cursor, limit, listOf, livemodeFilter, pastMoment, text } from '../http/schemas';
import { logReply, presentLog } from './present-log';

/** What narrows the log down. */
export const logFilter = z.object({
  kind: z.enum(LOG_KINDS).optional(),
  type: text(100).optional(),
  requestId: text(64).optional(),
  since: pastMoment,
  livemode: livemodeFilter,
});

export function filterOf(caller: Caller, input: z.output<typeof logFilter>): LogFilter {
  return { orgId: caller.orgId, testOnly: !caller.livemode, ...input };
}

/** A position inside a cursor: `<xid> <id>`. */
export const positionText = ({ xid, id }: LogPosition): string => `${xid} ${id}`;

export function positionOf(text: string): LogPosition {
  const [xid = '', id = ''] = text.split(' ');
  if (!/^\d+$/.test(xid) || id === '') throw new Fault('invalid_cursor');
  return { xid, id };
}

const listInput = logFilter.extend({ limit, cursor });
const shared = {
  method: 'get',
  tag: 'events',
  scope: 'read:sec',
  transaction: 'none',
  input: listInput,
  reply: listOf(logReply),
  handle: listRecords,
} as const;

export const listEventLog = operation({
  ...shared,
  name: 'listEvents',
  path: '/v1/events',
  summary: 'List events, delivery attempts and stream records, newest first',
});

export const listDeliveryEventLog = operation({
  ...shared,
  name: 'listDeliveryEvents',
  path: '/v1/delivery/events',
  summary: 'The same list, where older clients look for it',
});

async function listRecords({
  tx,
  input,
  caller,
  context,
}: HandleArguments<z.output<typeof listInput>, 'none'>) {
  const { cursors } = context;
  const { orgId } = caller;
  const after =
    input.cursor === undefined ? null : positionOf(cursors.decode('log', orgId, input.cursor));
  const filter = filterOf(caller, input);
  const options = { order: 'newest', after, limit: input.limit } as const;
  const { records, hasMore } = await readLog(tx, filter, options);
  return listPage(
    records,
    hasMore,
    (record) => presentLog(record, orgId),
    (record) => cursors.encode('log', orgId, positionText(record)),
  );
}
