import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { bareHost, isPublicAddress } from './destination-guard';

/** Thrown by the connector for an address that webhooks must not reach. */
export class BlockedDestination extends Error {
  readonly code = 'BLOCKED_DESTINATION';
}

/** Looks up every address of a host and refuses if any of them is forbidden. */
const guardedLookup: LookupFunction = (hostname, options, callback) => {
  dnsLookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    if (error) return callback(error, '', 0);
    if (addresses.some(({ address }) => !isPublicAddress(address))) {
      return callback(new BlockedDestination(`${hostname} resolves to a private address`), '', 0);
    }
    const [first] = addresses;
    if (options.all) return callback(null, addresses);
    return callback(null, first?.address ?? '', first?.family ?? 4);
  });
};

/**
 * Opens connections to public addresses only: a literal is judged before, a name by all its answers, and the socket
 * by where it really went.
 */
export function createGuardedConnector(options: {
  readonly allowPrivate: boolean;
  /** Limit for connecting, in ms. */
  readonly timeoutMs: number;
}): buildConnector.connector {
  const { allowPrivate, timeoutMs } = options;
  if (allowPrivate) return buildConnector({ timeout: timeoutMs });
  const connect = buildConnector({ timeout: timeoutMs, lookup: guardedLookup });
  return (target, callback) => {
    const host = bareHost(target.hostname);
    if (isIP(host) !== 0 && !isPublicAddress(host)) {
      return callback(new BlockedDestination(`${host} is a private address`), null);
    }
    connect(target, (error, socket) => {
      if (error) return callback(error, null);
      if (!isPublicAddress(socket.remoteAddress ?? '')) {
        socket.destroy();
        return callback(new BlockedDestination('the connection led to a private address'), null);
      }
      callback(null, socket);
    });
  };
}
