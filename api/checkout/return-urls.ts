import { invalidInput } from '../../platform/fault';
import type { ApiContext } from '../http/operation';

/** Where a customer may be sent back to: an allowed origin. Throws invalid_request with the field's path. */
export function returnUrl(
  { config }: Pick<ApiContext, 'config'>,
  path: string,
  given: string | null | undefined,
): string {
  const own = new URL(config.PUBLIC_URL).origin;
  if (!given) return `${config.PUBLIC_URL}/docs`;
  const url = URL.canParse(given) ? new URL(given) : null;
  if (!url || !/^https?:$/.test(url.protocol)) throw invalidInput(path, 'must be an http(s) URL');
  const allowed = config.ALLOWED_RETURN_ORIGINS;
  const loopback = allowed.includes('loopback') && isLoopback(url.hostname);
  if (url.origin === own || allowed.includes(url.origin) || loopback) return url.href;
  throw invalidInput(path, `its origin ${url.origin} is not in ALLOWED_RETURN_ORIGINS`);
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
