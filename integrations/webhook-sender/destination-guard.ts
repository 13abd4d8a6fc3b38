import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { createResolver } from './resolve-host';

const MAX_URL_LENGTH = 2_048;

/** Ranges that ipaddr.js takes for public and that aren't: ISATAP's embedded addresses and Azure's host agent. */
const ALSO_FORBIDDEN = [ipaddr.parseCIDR('::5efe:0:0/96'), ipaddr.parseCIDR('168.63.129.16/32')];

/** Whether an IP address (v4 or v6) is on the public Internet. False for anything that isn't an address. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const ip = ipaddr.process(address);
  if (ip.range() !== 'unicast') return false;
  return !ALSO_FORBIDDEN.some(
    ([range, bits]) => ip.kind() === range.kind() && ip.match(range, bits),
  );
}

/** The host of a URL without the brackets of an IPv6 literal. */
export function bareHost(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}

/**
 * Why a destination URL can't be used, in words, or null if it can. Judges the parsed URL only, never the raw text,
 * so that unusual spellings of an address change nothing.
 */
export function checkDestination(
  url: string,
  { allowPrivate }: { readonly allowPrivate: boolean },
): string | null {
  if (url.length > MAX_URL_LENGTH) return `must have at most ${MAX_URL_LENGTH} characters`;
  if (!URL.canParse(url)) return 'must be an absolute http or https URL';
  const parsed = new URL(url);
  if (!/^https?:$/.test(parsed.protocol)) return 'must start with http:// or https://';
  if (parsed.username !== '' || parsed.password !== '') return 'must not carry credentials';
  const host = bareHost(parsed.hostname);
  if (host === '') return 'must name a host';
  if (allowPrivate) return null;
  if (isIP(host) !== 0 && !isPublicAddress(host)) return 'must not point at a private address';
  if (/(^|\.)localhost\.?$/i.test(host)) return 'must not point at this machine';
  return null;
}

const resolveHost = createResolver({ timeoutMs: 1_000 });

/** Why a host's addresses can't be used, or null. A host that doesn't resolve now may come up later, so it passes. */
export async function checkResolvedHost(
  url: string,
  { allowPrivate }: { readonly allowPrivate: boolean },
): Promise<string | null> {
  if (allowPrivate) return null;
  const host = bareHost(new URL(url).hostname);
  if (isIP(host) !== 0) return null;
  try {
    const answers = await resolveHost(host);
    const forbidden = answers.some(({ address }) => !isPublicAddress(address));
    return forbidden ? 'must not resolve to a private address' : null;
  } catch {
    return null;
  }
}
