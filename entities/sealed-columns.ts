/** A table that holds sealed texts. */
export interface SealedTable {
  readonly table: string;
  readonly columns: readonly string[];
  /** Its primary key, with the columns' types. */
  readonly key: Readonly<Record<string, 'text' | 'boolean'>>;
  /** What a row's texts are sealed for: the same as where they are sealed and opened. */
  context(key: Readonly<Record<string, unknown>>): string;
}

const byId = ({ id }: Readonly<Record<string, unknown>>): string => id as string;

/** What the stored reply of an idempotency key is sealed for. */
export const replyContext = (orgId: string, route: string, key: string): string =>
  `idempotency ${orgId} ${route} ${key}`;

/** Everything that is sealed with SECRETS_KEY; a new sealed column gets its row here. */
export const SEALED: readonly SealedTable[] = [
  {
    table: 'webhook_endpoints',
    columns: ['secret_sealed', 'previous_secret_sealed'],
    key: { id: 'text' },
    context: byId,
  },
  { table: 'mails', columns: ['body_sealed'], key: { id: 'text' }, context: byId },
  {
    table: 'idempotency_keys',
    columns: ['reply_sealed'],
    key: { org_id: 'text', livemode: 'boolean', route: 'text', key: 'text' },
    context: (row) =>
      replyContext(row['org_id'] as string, row['route'] as string, row['key'] as string),
  },
];
