import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Principal } from '../../entities/authenticate';
import { newId } from '../../platform/ids';

export const API_VERSION = '2026-03-19';

/** What the frame knows of a request on its way; kept in `ctx.state`. */
export interface RequestState {
  requestId: string;
  /** Of the request's span; while traces are off, the caller's own. */
  traceparent: string;
  operation?: string;
  meterClass?: string;
  principal?: Principal;
}

/** The caller's own request id where it is well-formed, else a new one. */
export function requestIdOf(headers: IncomingHttpHeaders): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(given) ? given : newId('req');
}

/** The caller's W3C traceparent; null where there is none that is well-formed. */
export function callersTraceparent(headers: IncomingHttpHeaders): string | null {
  const given = headers['traceparent'];
  const form = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
  return typeof given === 'string' && form.test(given) ? given : null;
}

/** What a request without a span of its own is named by: the caller's traceparent, or the start of a new trace. */
export function traceparentOf(headers: IncomingHttpHeaders): string {
  const given = callersTraceparent(headers);
  if (given !== null) return given;
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00`;
}
