import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import type { Catalog } from '../../catalog/load-catalog';
import { checkDestination, checkResolvedHost } from '../../integrations/webhook-sender';
import type { Config } from '../../platform/config';
import { Fault, invalidInput } from '../../platform/fault';
import type { Caller } from '../http/operation';

/** Attempts a second that an endpoint takes at most; null: as many as come. */
export const maxPerSecond = z.int().min(1).max(10_000).nullish();

/** How long a host may take to resolve. One that takes longer may come up later, as one that doesn't resolve now. */
const RESOLVE_MS = 2_000;

/** Throws invalid_request unless webhooks may go to this URL. Asks name servers: not to be awaited in a transaction. */
export async function requireDestination(url: string, config: Config): Promise<void> {
  const rules = { allowPrivate: config.ALLOW_PRIVATE_DESTINATIONS };
  const reason =
    checkDestination(url, rules) ??
    (await Promise.race([
      checkResolvedHost(url, rules),
      setTimeout(RESOLVE_MS, null, { ref: false }),
    ]));
  if (reason !== null) throw invalidInput('destinationUrl', reason);
}

/** The patterns without repeats. Throws invalid_request naming each that takes in no event type. */
export function requireEventTypes(
  patterns: readonly string[],
  catalog: Catalog,
  field = 'subscribedEventTypes',
): string[] {
  const issues = patterns.flatMap((pattern, i) =>
    catalog.isSubscribable(pattern)
      ? []
      : [
          {
            path: `${field}.${i}`,
            message: `${JSON.stringify(pattern)} is no event type`,
          },
        ],
  );
  if (issues.length > 0) {
    throw new Fault('invalid_request', {
      message: `${field}: ${issues[0]?.message ?? ''}`,
      hint: 'Use types of the catalogue, prefix.* or *; none at all means every type.',
      details: { issues },
    });
  }
  return [...new Set(patterns)];
}

/** The mode of what a caller makes: its own unless it asks for test. Throws insufficient_scope for a test key that asks for live. */
export function modeFor(caller: Caller, asked: boolean | null | undefined): boolean {
  const livemode = asked ?? caller.livemode;
  if (livemode && !caller.livemode) {
    throw new Fault('insufficient_scope', {
      message: 'A test key cannot make live objects.',
      hint: 'Use a live key, or leave livemode out.',
    });
  }
  return livemode;
}
