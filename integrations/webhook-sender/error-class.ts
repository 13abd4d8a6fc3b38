/** What went wrong with a request, in a word that tells a receiver's operator where to look. */
export type SendError =
  | 'dns_error'
  | 'connection_refused'
  | 'connection_reset'
  | 'connection_failed'
  | 'tls_error'
  | 'timeout'
  | 'redirect'
  | 'blocked_destination'
  | 'invalid_response'
  | 'invalid_url'
  | `http_${number}`;

const BY_CODE: Readonly<Record<string, SendError>> = {
  ENOTFOUND: 'dns_error',
  EAI_AGAIN: 'dns_error',
  EAI_FAIL: 'dns_error',
  ENODATA: 'dns_error',
  ECONNREFUSED: 'connection_refused',
  ECONNRESET: 'connection_reset',
  EPIPE: 'connection_reset',
  UND_ERR_SOCKET: 'connection_reset',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  UND_ERR_ABORTED: 'timeout',
  ETIMEDOUT: 'timeout',
  BLOCKED_DESTINATION: 'blocked_destination',
  UND_ERR_INVALID_ARG: 'invalid_url',
  ERR_INVALID_URL: 'invalid_url',
  UND_ERR_HEADERS_OVERFLOW: 'invalid_response',
  EPROTO: 'tls_error',
};

interface Thrown {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly cause?: unknown;
  readonly errors?: readonly unknown[];
}

/** Classifies what the client threw. Walks the causes, since connectors wrap theirs. */
export function classifyError(error: unknown): SendError {
  let at: unknown = error;
  while (at !== null && typeof at === 'object') {
    const { name, code, cause, errors } = at as Thrown;
    if (name === 'TimeoutError' || name === 'AbortError') return 'timeout';
    if (name === 'HTTPParserError') return 'invalid_response';
    if (typeof code === 'string') {
      const known = BY_CODE[code] ?? familyOf(code);
      if (known) return known;
    }
    at = errors?.[0] ?? cause;
  }
  return 'connection_failed';
}

function familyOf(code: string): SendError | null {
  if (code.startsWith('HPE_')) return 'invalid_response';
  const tls = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH)/;
  return tls.test(code) ? 'tls_error' : null;
}
