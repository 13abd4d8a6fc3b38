import type { NativeConnection } from '@temporalio/worker';

const KEYWORD = 2;
const WANTED = { OrgId: KEYWORD, EndpointId: KEYWORD, EventType: KEYWORD };

/** Adds the search attributes that our workflows set and the namespace lacks. Safe to repeat. */
export async function ensureSearchAttributes(
  connection: NativeConnection,
  namespace: string,
): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = Object.entries(WANTED).filter(([name]) => !(name in (customAttributes ?? {})));
  if (missing.length === 0) return;
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing),
  });
}
