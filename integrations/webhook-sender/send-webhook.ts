import { Agent } from 'undici';
import { classifyError, type SendError } from './error-class';
import { createGuardedConnector } from './guarded-connector';
import { createResolver, type ResolveHost } from './resolve-host';
import { readExcerpt } from './response-excerpt';

const ATTEMPT_MS = 15_000;

export interface SendRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What came of one request. */
export interface SendOutcome {
  /** Any 2xx in time. */
  readonly ok: boolean;
  readonly httpStatus: number | null;
  readonly error: SendError | null;
  readonly latencyMs: number;
  /** The raw Retry-After header. */
  readonly retryAfter: string | null;
  /** The first 1 KiB of the answer. */
  readonly responseBody: string | null;
}

/** An HTTP client for strangers' servers: public addresses only, no redirects, bounded in time and bytes. */
export interface WebhookSender {
  /** Makes one POST. Never throws for what the other side does: a failure is an outcome. */
  send(request: SendRequest): Promise<SendOutcome>;
  close(): Promise<void>;
}

/**
 * The client. Connections of an origin are not limited here: the callers limit each endpoint, and two endpoints of
 * one origin must not wait for each other.
 */
export function createWebhookSender(options: {
  readonly allowPrivate: boolean;
  readonly timeoutMs?: number;
  readonly resolve?: ResolveHost;
}): WebhookSender {
  const { allowPrivate, timeoutMs = ATTEMPT_MS, resolve = createResolver() } = options;
  const agent = new Agent({
    connect: createGuardedConnector({ allowPrivate, timeoutMs, resolve }),
    pipelining: 1,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    keepAliveTimeout: 10_000,
    maxHeaderSize: 16_384,
  });

  return {
    async send({ url, headers, body }) {
      const startedAt = performance.now();
      const latencyMs = (): number => Math.round(performance.now() - startedAt);
      const deadline = new AbortController();
      const timer = setTimeout(() => deadline.abort(), timeoutMs);
      try {
        const { origin, pathname, search } = new URL(url);
        const answer = await agent.request({
          origin,
          path: pathname + search,
          method: 'POST',
          headers,
          body,
          signal: deadline.signal,
        });
        const httpStatus = answer.statusCode;
        const ok = httpStatus >= 200 && httpStatus < 300;
        const answeredMs = latencyMs();
        const retryAfter = answer.headers['retry-after'];
        return {
          ok,
          httpStatus,
          error: ok ? null : errorOf(httpStatus),
          latencyMs: answeredMs,
          retryAfter: (Array.isArray(retryAfter) ? retryAfter[0] : retryAfter) ?? null,
          responseBody: await readExcerpt(answer.body, deadline.signal),
        };
      } catch (error) {
        const failed = { ok: false, httpStatus: null, retryAfter: null, responseBody: null };
        return { ...failed, error: classifyError(error), latencyMs: latencyMs() };
      } finally {
        clearTimeout(timer);
      }
    },
    close: () => agent.destroy(),
  };
}

function errorOf(httpStatus: number): SendError {
  return httpStatus >= 300 && httpStatus < 400 ? 'redirect' : `http_${httpStatus}`;
}
