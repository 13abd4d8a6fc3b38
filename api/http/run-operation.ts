import type { Context } from 'koa';
import type { EntityManager } from 'typeorm';
import { appendAudit, changeLine, type AuditFact } from '../../entities/audit-record';
import { isTransactionUndone, type Executor } from '../../entities/sql';
import { Fault } from '../../platform/fault';
import { stringifyWithRaw } from '../../platform/raw-json';
import { authenticateCaller, callerOf, requireScope } from './authenticate-caller';
import { callerAddress } from './caller-address';
import { encoded } from './content-encoding';
import { asFault, errorBody } from './error-body';
import { claimRequest, idempotencyKeyOf, isKept, type Answer } from './idempotent';
import { limitGuesses, limitRequests } from './limit-requests';
import {
  actorOf,
  RawAnswer,
  type AnyOperation,
  type ApiContext,
  type Caller,
  type HandleArguments,
  type TransactionKind,
} from './operation';
import { readJsonBody, type JsonBody } from './read-body';
import { API_VERSION, type RequestState } from './request-state';
import { ignoredFields, validate } from './validate';

const NOBODY: Caller = {
  principalId: '',
  subject: '',
  authMode: 'api_key',
  orgId: '',
  livemode: false,
  scopes: [],
  planKey: '',
  billingState: '',
  suspended: false,
  requestsPerMinute: null,
  ip: '',
};
const EMPTY: JsonBody = { text: '', fields: {} };

/** Takes one request through one operation: who, may they, what, once only, do it, tell. Throws faults. */
export async function runOperation(
  context: ApiContext,
  operation: AnyOperation,
  ctx: Context,
  params: Record<string, string>,
): Promise<void> {
  const state = ctx.state as RequestState;
  state.operation = operation.name;
  state.meterClass = operation.meterClass ?? 'control_plane';
  const address = callerAddress(ctx.req, context.config.TRUSTED_PROXIES);
  let caller: Caller = { ...NOBODY, ip: address };
  if (!context.db.isInitialized) {
    throw new Fault('dependency_unavailable', {
      message: 'The database is away at the moment.',
      retryAfterSeconds: 1,
    });
  }
  const hasBody = ['post', 'put', 'patch'].includes(operation.method);
  const query = queryOf(ctx, operation, hasBody);
  const holder = (await operation.byLink?.(context, params, query)) ?? null;
  if (holder) {
    caller = { ...caller, ...holder };
  } else if (operation.scope !== 'public') {
    state.principal = await authenticateCaller(context, ctx.req, address);
    caller = callerOf(state.principal, address);
    await limitRequests(context, operation, ctx, state.principal);
  }
  checkVersion(ctx);
  if (state.principal) requireScope(operation, state.principal);

  const body = hasBody ? await readJsonBody(ctx.req, operation.maxBytes) : EMPTY;
  const input = validate(operation.input, {
    ...query,
    ...body.fields,
    ...params,
  });
  const ignored = ignoredFields(operation.input, body.fields);
  if (ignored !== '') ctx.set('SECAPI-Ignored-Fields', ignored);

  const answer = await carryOut(context, operation, ctx, { caller, input, body, state }).catch(
    async (error: unknown) => {
      if (operation.scope === 'public') await limitGuesses(context, address, error);
      throw error;
    },
  );
  ctx.status = answer.status;
  ctx.type = answer.raw?.type ?? 'application/json; charset=utf-8';
  for (const [name, value] of Object.entries(answer.raw?.headers ?? {})) ctx.set(name, value);
  ctx.body = encoded(ctx, answer.raw?.body ?? answer.text);
}

function checkVersion(ctx: Context): void {
  const version = ctx.get('secapi-version');
  if (version === '' || version === API_VERSION) return;
  throw new Fault('unsupported_version');
}

/** Query fields: all of them where there is no body, else those that the operation names. Of a repeated one the last. */
function queryOf(ctx: Context, operation: AnyOperation, hasBody: boolean): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(ctx.querystring)) {
    if (!hasBody || operation.queryFields?.includes(name)) fields[name] = value;
  }
  return fields;
}

interface Work {
  readonly caller: Caller;
  readonly input: unknown;
  readonly body: JsonBody;
  readonly state: RequestState;
}

async function carryOut(
  context: ApiContext,
  operation: AnyOperation,
  ctx: Context,
  work: Work,
): Promise<Answer> {
  const { caller, body, state } = work;
  const key = idempotencyKeyOf(operation, ctx.req.headers['idempotency-key']);
  const claimed =
    key === undefined
      ? undefined
      : await claimRequest(context, operation, caller, key, { url: ctx.url, bodyText: body.text });
  if (claimed && 'replay' in claimed) {
    ctx.set('Idempotency-Replayed', 'true');
    return claimed.replay;
  }
  const claim = claimed?.claim;
  const afterCommit: (() => void)[] = [];
  let before: unknown;
  const changed: object[] = [];
  const attempt = async (tx: Executor): Promise<Answer> => {
    const facts = new Map<string, AuditFact[]>();
    changed.length = 0;
    afterCommit.length = 0;
    const answer = await handle(context, operation, ctx, work, {
      tx,
      before,
      digest: claim?.digest,
      facts,
      afterCommit,
    });
    const append = async (transaction: EntityManager): Promise<void> => {
      for (const [orgId, list] of facts) {
        await appendAudit(transaction, orgId, list, context.clock.now());
      }
    };
    for (const [orgId, list] of facts) changed.push(...list.map((fact) => changeLine(orgId, fact)));
    if (facts.size > 0 && operation.transaction === 'own') await context.db.transaction(append);
    else await append(tx as EntityManager);
    if (claim && !(await claim.keep(tx, answer)) && inTransaction) {
      throw new Fault('idempotency_key_in_flight', { retryAfterSeconds: 1 });
    }
    return answer;
  };
  const inTransaction =
    operation.transaction === 'one' || (operation.transaction === 'none' && claim !== undefined);
  try {
    const { headers } = ctx.req;
    before = await operation.before?.({ input: work.input, caller, context, headers });
    const answer = inTransaction
      ? await inOneTransaction(context, attempt)
      : await attempt(context.db);
    for (const act of afterCommit) act();
    for (const fact of changed) context.log.info(fact, 'changed');
    return answer;
  } catch (error) {
    const fault = asFault(error);
    if (claim && isKept(fault)) {
      const { requestId, traceparent } = state;
      const publicUrl = context.config.PUBLIC_URL;
      const text = JSON.stringify(errorBody(fault, { requestId, traceparent, publicUrl }));
      await claim.keep(context.db, { status: fault.status, text });
    } else if (claim) {
      await claim.release().catch(() => undefined);
    }
    throw error;
  }
}

const MOST_TRIES = 3;

/** One transaction, tried again where Postgres gave up on it for another's sake (serialization, deadlock). */
async function inOneTransaction(
  context: ApiContext,
  act: (tx: EntityManager) => Promise<Answer>,
): Promise<Answer> {
  for (let tries = 1; ; tries++) {
    try {
      return await context.db.transaction(act);
    } catch (error) {
      if (!isTransactionUndone(error) || tries >= MOST_TRIES) throw error;
    }
  }
}

async function handle(
  context: ApiContext,
  operation: AnyOperation,
  ctx: Context,
  { caller, input, body, state }: Work,
  held: {
    readonly tx: Executor;
    readonly before: unknown;
    readonly digest: string | undefined;
    readonly facts: Map<string, AuditFact[]>;
    readonly afterCommit: (() => void)[];
  },
): Promise<Answer> {
  const { requestId } = state;
  let status = operation.status ?? 200;
  const args: HandleArguments<unknown, TransactionKind> = {
    tx: held.tx,
    input,
    caller,
    requestId,
    now: context.clock.now(),
    context,
    headers: ctx.req.headers,
    bodyText: body.text,
    before: held.before,
    idempotencyDigest: held.digest,
    audit(fact, orgId = caller.orgId) {
      if (![operation.audits].flat().includes(fact.action)) {
        throw new Error(`${operation.name} does not declare that it audits ${fact.action}`);
      }
      const whole = { actor: actorOf(caller), ...fact, requestId, ip: caller.ip };
      held.facts.set(orgId, [...(held.facts.get(orgId) ?? []), whole]);
    },
    setStatus(other) {
      status = other;
    },
    afterCommit: (act) => void held.afterCommit.push(act),
  };
  const handled = await operation.handle(args);
  if (handled instanceof RawAnswer) {
    if (!operation.forms?.includes(handled.type)) {
      throw new Error(`${operation.name} does not declare that it answers ${handled.type}`);
    }
    return { status, text: '', raw: handled };
  }
  const reply = operation.reply.parse(handled) as Record<string, unknown>;
  const text = stringifyWithRaw({ ...reply, requestId: reply['requestId'] ?? requestId });
  return { status, text };
}
