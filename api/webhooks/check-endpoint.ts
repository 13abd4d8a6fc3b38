import { z } from 'zod';
import type { Catalog } from '../../catalog/load-catalog';
import { checkDestination, checkResolvedHost } from '../../integrations/webhook-sender';
import type { Config } from '../../platform/config';
import { Fault, invalidInput } from '../../platform/fault';
import type { Caller } from '../http/operation';

/** Attempts a second that an endpoint takes at most; null: as many as come. */
export const maxPerSecond = z.int().min(1).max(10_000).nullish();

/** Throws invalid_request unless webhooks may go to this URL. */
export async function requireDestination(url: string, config: Config): Promise<void> {
  const rules = { allowPrivate: config.ALLOW_PRIVATE_DESTINATIONS };
  const reason = checkDestination(url, rules) ?? (await checkResolvedHost(url, rules));
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
