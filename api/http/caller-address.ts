import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * The address a request comes from: the connection's own, or, behind proxies of ours, what the outermost trusted one
 * wrote into X-Forwarded-For. What callers write there themselves lies further left and is never believed.
 */
export function callerAddress(request: IncomingMessage, trustedProxies: number): string {
  const own = plain(request.socket.remoteAddress ?? '');
  if (trustedProxies === 0) return own;
  const hops = [request.headers['x-forwarded-for'] ?? []]
    .flat()
    .join(',')
    .split(',')
    .map((hop) => hop.trim())
    .filter((hop) => hop !== '');
  const named = hops[hops.length - trustedProxies];
  return named !== undefined && ipaddr.isValid(named) ? plain(named) : own;
}

/** Whether an address lies in one of the ranges (single addresses or CIDR). A list that is null lets everybody in. */
export function isAllowedAddress(address: string, ranges: readonly string[] | null): boolean {
  if (ranges === null) return true;
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  return ranges.some((text) => {
    const range = parseRange(text);
    return range?.[0].kind() === parsed.kind() && parsed.match(range);
  });
}

const MAPPED_BITS = 96;

/** A single address or a CIDR, an IPv4 one also in the dress of IPv6; null for anything else. */
export function parseRange(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] | null {
  const [address = ''] = text.split('/');
  if (isIP(address) === 0 || address.includes('%')) return null;
  const isCidr = address !== text;
  if (isCidr && !ipaddr.isValidCIDR(text)) return null;
  const network = ipaddr.parse(address);
  const whole = network.kind() === 'ipv4' ? 32 : 128;
  const bits = isCidr ? ipaddr.parseCIDR(text)[1] : whole;
  if (!(network instanceof ipaddr.IPv6) || !network.isIPv4MappedAddress()) return [network, bits];
  return bits < MAPPED_BITS ? null : [network.toIPv4Address(), bits - MAPPED_BITS];
}

/** What one caller can be told apart by: an IPv4 address, or the /64 that an IPv6 host owns. */
export function addressBlock(address: string): string {
  if (!ipaddr.IPv6.isValid(address)) return address;
  const parts = ipaddr.IPv6.parse(address).parts.slice(0, 4);
  return `${parts.map((part) => part.toString(16)).join(':')}::/64`;
}

/** Without the IPv6 dress of an IPv4 address. */
function plain(address: string): string {
  return ipaddr.isValid(address) ? ipaddr.process(address).toString() : address;
}
