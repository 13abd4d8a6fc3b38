import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { pageOf, type Cursors } from './cursor';
import type { Caller } from './operation';

/**
 * One page of an organization's rows, newest first, by id. The query's alias must be `t`. To a test key live rows
 * aren't there; `livemode` filters.
 */
export async function listRows<Row extends ObjectLiteral & { id: string }, Item>(
  query: SelectQueryBuilder<Row>,
  options: {
    readonly list: string;
    readonly caller: Pick<Caller, 'orgId' | 'livemode'>;
    readonly cursors: Cursors;
    readonly input: {
      readonly limit: number;
      readonly cursor?: string | undefined;
      readonly livemode?: boolean | undefined;
    };
    readonly present: (row: Row) => Item;
  },
): Promise<{ object: 'list'; data: Item[]; hasMore: boolean; nextCursor: string | null }> {
  const { list, caller, cursors, input, present } = options;
  const { orgId } = caller;
  query.andWhere('t.org_id = :orgId', { orgId });
  if (!caller.livemode) query.andWhere('NOT t.livemode');
  if (input.livemode !== undefined) {
    query.andWhere('t.livemode = :livemode', { livemode: input.livemode });
  }
  if (input.cursor !== undefined) {
    query.andWhere('t.id < :after', { after: cursors.decode(list, orgId, input.cursor) });
  }
  const rows = await query
    .orderBy('t.id', 'DESC')
    .limit(input.limit + 1)
    .getMany();
  return pageOf(rows, input.limit, present, (row) => cursors.encode(list, orgId, row.id));
}
