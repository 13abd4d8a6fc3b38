import { run, statement, type Executor } from './sql';

const touch = statement(
  'touch-keys',
  `UPDATE api_keys k SET last_used_at = used.at
   FROM (SELECT * FROM unnest($1::text[], $2::timestamptz[]) AS u (id, at)) used
   WHERE k.id = used.id AND (k.last_used_at IS NULL OR k.last_used_at < used.at)`,
);

/** Writes when keys were last used, many in one statement. */
export async function touchKeys(db: Executor, used: ReadonlyMap<string, Date>): Promise<void> {
  await run(db, touch, [[...used.keys()], [...used.values()]]);
}
