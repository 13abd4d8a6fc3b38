import { STATUS_CODES } from 'node:http';
import { isTransactionUndone } from '../../entities/sql';
import { Fault, isDatabaseAway, type FaultExtras } from '../../platform/fault';
import { API_VERSION } from './request-state';

/** What an error answers, as the contract has it. */
export interface ErrorBody {
  readonly object: 'error';
  readonly id: string;
  readonly code: string;
  readonly type: string;
  readonly message: string;
  readonly requestId: string;
  readonly traceparent?: string;
  readonly hint?: string;
  readonly docsUrl: string;
  readonly details: Record<string, unknown>;
}

/** The error object of a fault. `traceparent` is left out where none is known. */
export function errorBody(
  fault: Fault,
  at: { readonly requestId: string; readonly traceparent?: string; readonly publicUrl: string },
): ErrorBody {
  return {
    object: 'error',
    id: at.requestId,
    code: fault.code,
    type: fault.type,
    message: fault.message,
    requestId: at.requestId,
    ...(at.traceparent === undefined ? {} : { traceparent: at.traceparent }),
    ...(fault.hint === undefined ? {} : { hint: fault.hint }),
    docsUrl: `${at.publicUrl}/docs#error-${fault.code}`,
    details: fault.details,
  };
}

/** Any thrown thing as a fault: Postgres away, or busy with others at the same rows to the last try, is 503; what nobody foresaw is 500 with the cause for the log. */
export function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  if (isDatabaseAway(error)) {
    return new Fault('dependency_unavailable', {
      message: 'The database is away at the moment.',
      retryAfterSeconds: 1,
      cause: error,
    });
  }
  if (isTransactionUndone(error)) {
    return new Fault('dependency_unavailable', {
      message: 'Others are changing the same at the moment; nothing was done.',
      retryAfterSeconds: 1,
      cause: error,
    });
  }
  const extras: FaultExtras = { cause: error };
  return new Fault('internal_error', extras);
}

/** A whole HTTP answer for a connection that no request came of: its head could not be parsed, or it asked for another protocol. */
export function rawErrorAnswer(fault: Fault, body: ErrorBody): string {
  const text = JSON.stringify(body);
  const { retryAfterSeconds } = fault;
  return [
    `HTTP/1.1 ${fault.status} ${STATUS_CODES[fault.status] ?? 'Error'}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(text)}`,
    `Request-Id: ${body.requestId}`,
    `SECAPI-Version: ${API_VERSION}`,
    ...(body.traceparent === undefined ? [] : [`traceparent: ${body.traceparent}`]),
    ...(retryAfterSeconds === undefined ? [] : [`Retry-After: ${retryAfterSeconds}`]),
    'Connection: close',
    '',
    text,
  ].join('\r\n');
}
