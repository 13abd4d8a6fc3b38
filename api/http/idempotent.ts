import { createHash } from 'node:crypto';
import {
  claimIdempotencyKey,
  keepIdempotentReply,
  releaseIdempotencyKey,
  type IdempotencyScope,
} from '../../entities/idempotency';
import { replyContext } from '../../entities/sealed-columns';
import type { Executor } from '../../entities/sql';
import type { Fault } from '../../platform/fault';
import { invalidInput } from '../../platform/fault';
import type { AnyOperation, ApiContext, Caller, RawAnswer } from './operation';

/** An answer as it goes out: status and body text. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  /** What goes out instead of the text; never kept for an idempotency key. */
  readonly raw?: RawAnswer;
}

/** A claimed idempotency key: keeps the reply with the change, or lets the key go. */
export interface IdempotentRequest {
  /** The same for every request with this key: 32 hex digits. */
  readonly digest: string;
  /** False where the claim lapsed and another request holds it now. */
  keep(tx: Executor, answer: Answer): Promise<boolean>;
  release(): Promise<void>;
}

/** The key that the request carries, where the operation takes one. Throws invalid_request for a malformed key. */
export function idempotencyKeyOf(
  operation: AnyOperation,
  header: string | string[] | undefined,
): string | undefined {
  const takesOne =
    operation.idempotent ?? (operation.method === 'post' || operation.method === 'put');
  if (!takesOne || header === undefined || operation.scope === 'public') return undefined;
  const key = Array.isArray(header) ? header.join(',') : header;
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw invalidInput('Idempotency-Key', 'must be 1 to 255 visible ASCII characters');
}

/** Claims the key; answers the claim, or the stored reply of its first use. */
export async function claimRequest(
  context: ApiContext,
  operation: AnyOperation,
  caller: Caller,
  key: string,
  request: { readonly url: string; readonly bodyText: string },
): Promise<{ claim: IdempotentRequest } | { replay: Answer }> {
  const { orgId, livemode } = caller;
  const scope: IdempotencyScope = { orgId, livemode, route: operation.name, key };
  const sealedFor = replyContext(orgId, operation.name, key);
  const requestHash = createHash('sha256')
    .update(`${operation.method} ${request.url}\n`)
    .update(request.bodyText)
    .digest();
  const claimed = await claimIdempotencyKey(context.db, scope, requestHash, context.clock.now());
  if (claimed.kind === 'replay') {
    const text = context.secrets.open(claimed.replySealed, sealedFor);
    return { replay: { status: claimed.status, text } };
  }
  const digest = createHash('sha256')
    .update(JSON.stringify([orgId, livemode, operation.name, key]))
    .update(requestHash)
    .digest('hex')
    .slice(0, 32);
  return {
    claim: {
      digest,
      keep: (tx, { status, text }) =>
        keepIdempotentReply(tx, scope, claimed.claimId, {
          status,
          sealed: context.secrets.seal(text, sealedFor),
        }),
      release: () => releaseIdempotencyKey(context.db, scope, claimed.claimId),
    },
  };
}

/** Whether a failure's reply is kept for the key: what would come out the same again is, a passing one is not. */
export function isKept(fault: Fault): boolean {
  if (fault.code === 'idempotency_key_in_flight') return false;
  return fault.status < 500 && fault.status !== 429;
}
