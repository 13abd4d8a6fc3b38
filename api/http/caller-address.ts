import type { IncomingMessage } from 'node:http';
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
  return ranges.some((range) => {
    const [network, bits] = ipaddr.isValidCIDR(range)
      ? ipaddr.parseCIDR(range)
      : [ipaddr.parse(range), null];
    if (network.kind() !== parsed.kind()) return false;
    return parsed.match(network, bits ?? (network.kind() === 'ipv4' ? 32 : 128));
  });
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
