/** What kind of failure a caller sees; the `type` of the error object. */
export type FaultType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'permission_error'
  | 'billing_error'
  | 'not_found_error'
  | 'conflict_error'
  | 'rate_limit_error'
  | 'api_error';

interface FaultKind {
  readonly status: number;
  readonly type: FaultType;
  readonly message: string;
  readonly hint?: string;
  /** Whether the same work may succeed later with nothing changed: the worker retries such a fault. */
  readonly retryable?: boolean;
}

const invalid = 'invalid_request_error';

/** The one catalogue of failures: read as status and code by the API, as retry or not by the worker. */
export const FAULTS = {
  invalid_json: {
    status: 400,
    type: invalid,
    message: 'The request body is not valid JSON.',
    hint: 'Send one JSON object, encoded as UTF-8.',
  },
  invalid_request: {
    status: 400,
    type: invalid,
    message: 'The request has invalid input.',
    hint: 'Mend the fields that details.issues names and send it again.',
  },
  invalid_cursor: {
    status: 400,
    type: invalid,
    message: 'The cursor does not belong to this list.',
    hint: 'Use nextCursor of the page before, unchanged, with the same list and the same key.',
  },
  unsupported_version: {
    status: 400,
    type: invalid,
    message: 'This API version does not exist.',
    hint: 'Send secapi-version: 2026-03-19, or leave the header out.',
  },
  missing_api_key: {
    status: 401,
    type: 'authentication_error',
    message: 'The request carries no API key.',
    hint: 'Send your key in the x-api-key header, or as Authorization: Bearer.',
  },
  authentication_failed: {
    status: 401,
    type: 'authentication_error',
    message: 'The credentials are not valid.',
    hint: 'Check that the key is complete, active and meant for this server.',
  },
  billing_required: {
    status: 402,
    type: 'billing_error',
    message: 'Billing is required to go on.',
  },
  billing_budget_hard_cap_exceeded: {
    status: 402,
    type: 'billing_error',
    message: 'The spend cap of this period would be exceeded.',
    hint: 'Raise the cap with PUT /v1/billing/budget, or wait for the next period.',
  },
  billing_budget_approval_required: {
    status: 402,
    type: 'billing_error',
    message: 'Spend over the threshold needs an approval.',
    hint: 'Ask a billing manager to decide the approval in details.approvalId.',
  },
  insufficient_scope: {
    status: 403,
    type: 'permission_error',
    message: 'The key lacks a scope that this operation needs.',
    hint: 'Use a key that holds the scopes in details.required.',
  },
  plan_limit_reached: {
    status: 403,
    type: 'permission_error',
    message: 'The plan has no room for another one.',
    hint: 'Remove one that is no longer needed, or move to a larger plan.',
  },
  feature_not_in_plan: {
    status: 403,
    type: 'permission_error',
    message: 'The plan does not include this feature.',
  },
  not_found: {
    status: 404,
    type: 'not_found_error',
    message: 'There is no such thing here.',
    hint: 'Check the id, and that it belongs to the organization and mode of your key.',
  },
  not_configured: {
    status: 404,
    type: 'not_found_error',
    message: 'This server is not configured for that.',
  },
  method_not_allowed: {
    status: 405,
    type: invalid,
    message: 'This path does not take that method.',
    hint: 'The Allow header lists the methods it takes.',
  },
  conflict: {
    status: 409,
    type: 'conflict_error',
    message: 'The request conflicts with the present state.',
  },
  idempotency_key_in_flight: {
    status: 409,
    type: 'conflict_error',
    message: 'A request with this idempotency key is still being worked on.',
    hint: 'Wait a second and send the same request again.',
  },
  payload_too_large: {
    status: 413,
    type: invalid,
    message: 'The request body is too large.',
  },
  unsupported_media_type: {
    status: 415,
    type: invalid,
    message: 'The request body has a media type or encoding that is not supported.',
    hint: 'Send content-type: application/json in UTF-8, without a content encoding.',
  },
  idempotency_key_reused: {
    status: 422,
    type: 'conflict_error',
    message: 'This idempotency key was used with another request.',
    hint: 'Use a new key for a new request.',
  },
  unprocessable: {
    status: 422,
    type: invalid,
    message: 'The request is understood but cannot be carried out.',
  },
  rate_limited: {
    status: 429,
    type: 'rate_limit_error',
    message: 'Too many requests.',
    hint: 'Wait for the seconds in Retry-After and send it again.',
    retryable: true,
  },
  ai_query_quota_exceeded: {
    status: 429,
    type: 'rate_limit_error',
    message: 'The quota of AI queries of this month is used up.',
  },
  headers_too_large: {
    status: 431,
    type: invalid,
    message: 'The request headers are too large.',
    hint: 'Keep all headers together under 16 KiB.',
  },
  internal_error: {
    status: 500,
    type: 'api_error',
    message: 'Something went wrong on our side.',
    hint: 'Try again; if it stays, tell us the requestId.',
    retryable: true,
  },
  dependency_unavailable: {
    status: 503,
    type: 'api_error',
    message: 'A part that this request needs is away at the moment.',
    hint: 'Wait for the seconds in Retry-After and send it again.',
    retryable: true,
  },
} as const satisfies Record<string, FaultKind>;

export type FaultCode = keyof typeof FAULTS;

export interface FaultExtras {
  /** Replaces the catalogue's sentence: what is wrong, in the case at hand. */
  readonly message?: string;
  /** How to mend it. */
  readonly hint?: string;
  readonly details?: Record<string, unknown>;
  /** Seconds for the Retry-After header. */
  readonly retryAfterSeconds?: number;
  /** What really happened, for the log only. */
  readonly cause?: unknown;
}

/** A failure that the catalogue knows. Thrown anywhere; answered by the API's frame. */
export class Fault extends Error {
  readonly status: number;
  readonly type: FaultType;
  readonly hint: string | undefined;
  readonly details: Record<string, unknown>;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    readonly code: FaultCode,
    extras: FaultExtras = {},
  ) {
    const kind: FaultKind = FAULTS[code];
    super(extras.message ?? kind.message, { cause: extras.cause });
    this.name = 'Fault';
    this.status = kind.status;
    this.type = kind.type;
    this.hint = extras.hint ?? kind.hint;
    this.details = extras.details ?? {};
    this.retryAfterSeconds = extras.retryAfterSeconds;
  }

  get retryable(): boolean {
    return (FAULTS[this.code] as FaultKind).retryable ?? false;
  }
}

/** The fault for input that is invalid at one path, in the form of `details.issues`. */
export function invalidInput(path: string, message: string): Fault {
  return new Fault('invalid_request', {
    message: `${path}: ${message}`,
    details: { issues: [{ path, message }] },
  });
}

const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
]);

/** Whether an error says that Postgres is away or going away (connection lost, shutting down, starting up, no slots). */
export function isDatabaseAway(error: unknown): boolean {
  if (error === null || typeof error !== 'object') return false;
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === 'string') {
    return NETWORK_CODES.has(code) || code.startsWith('08') || /^57P0[1-5]$|^53300$/.test(code);
  }
  return /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|not queryable|Query read timeout/i.test(
    String(message),
  );
}
