import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { bareHost, isPublicAddress } from './destination-guard';
import type { ResolveHost } from './resolve-host';

/** Thrown by the connector for an address that webhooks must not reach. */
export class BlockedDestination extends Error {
  readonly code = 'BLOCKED_DESTINATION';
}

/** Looks up every address of a host and, where private ones are not allowed, refuses if any of them is. */
function lookupBy(resolve: ResolveHost, allowPrivate: boolean): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (addresses) => {
        if (!allowPrivate && addresses.some(({ address }) => !isPublicAddress(address))) {
          const blocked = new BlockedDestination(`${hostname} resolves to a private address`);
          return callback(blocked, '', 0);
        }
        const [first] = addresses;
        if (options.all) return callback(null, [...addresses]);
        return callback(null, first?.address ?? '', first?.family ?? 4);
      },
      (error: NodeJS.ErrnoException) => callback(error, '', 0),
    );
  };
}

/**
 * Opens connections to public addresses only: a literal is judged before, a name by all its answers, and the socket
 * by where it really went.
 */
export function createGuardedConnector(options: {
  readonly allowPrivate: boolean;
  /** Limit for connecting, in ms. */
  readonly timeoutMs: number;
  readonly resolve: ResolveHost;
}): buildConnector.connector {
  const { allowPrivate, timeoutMs, resolve } = options;
  const connect = buildConnector({ timeout: timeoutMs, lookup: lookupBy(resolve, allowPrivate) });
  if (allowPrivate) return connect;
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
