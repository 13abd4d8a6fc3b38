import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { DataSource, EntityManager } from 'typeorm';
import type { z } from 'zod';
import type { Scope } from '../../entities/api-key';
import type { ApprovalMailing } from '../../entities/approval-mail';
import type { AuditFact } from '../../entities/audit-record';
import type { Gate } from '../../entities/gate-queue';
import type { Executor } from '../../entities/sql';
import type { Work } from '../../entities/wake-workers';
import type { Catalog } from '../../catalog/load-catalog';
import type { Config } from '../../platform/config';
import type { Clock } from '../../platform/clock';
import type { Log } from '../../platform/log';
import type { SecretBox } from '../../platform/secret-box';
import type { LinkSigner } from '../../platform/signed-link';
import type { Tracer } from '../../platform/trace';
import type { DeliverySchedule } from '../../entities/delivery-schedule';
import type { OidcVerifier } from '../../integrations/oidc';
import type { IgnoredReason, StripePort } from '../../integrations/stripe';
import type { Storage } from '../../integrations/storage';
import type { Cursors } from './cursor';
import type { LastUse } from './last-use';
import type { RateLimiter } from './rate-limit';
import type { RequestLog } from './request-log';

/** Who is calling, as the credentials say. The tenant of everything an operation touches comes from here. */
export interface Caller {
  readonly principalId: string;
  readonly authMode: 'api_key' | 'bearer';
  readonly subject: string;
  readonly orgId: string;
  readonly livemode: boolean;
  readonly scopes: readonly Scope[];
  readonly planKey: string;
  readonly billingState: string;
  /** An operator has suspended the organization: reads stay, billable work and deliveries wait. */
  readonly suspended: boolean;
  /** What an operator set instead of the plan's. */
  readonly requestsPerMinute: number | null;
  readonly ip: string;
}

/** What every operation may use: made once a process, given to `createApp`. */
export interface ApiContext {
  readonly db: DataSource;
  readonly config: Config;
  readonly catalog: Catalog;
  readonly clock: Clock;
  /** Aborted when the process is to leave: what waits for a caller's sake then answers with what it knows. */
  readonly leaving: AbortSignal;
  readonly log: Log;
  readonly secrets: SecretBox;
  readonly cursors: Cursors;
  readonly gate: Gate;
  readonly limiter: RateLimiter;
  readonly lastUse: LastUse;
  readonly requestLog: RequestLog;
  readonly approvalMailing: ApprovalMailing;
  /** Checks people's tokens; null where no issuer is configured. */
  readonly oidc: OidcVerifier | null;
  /** Asks Stripe; null where no key is set. */
  readonly stripe: StripePort | null;
  /** Counts what Stripe told and was left alone. */
  readonly countIgnored: (reason: IgnoredReason) => void;
  /** Where artifacts' files are. */
  readonly storage: Storage;
  /** Signs links to download them. */
  readonly artifactLinks: LinkSigner;
  /** What new deliveries follow. */
  readonly schedule: DeliverySchedule;
  /** Tells the workers and the readers of sockets, after commit, that there is something to do. */
  readonly wake: (work: Work) => void;
  /** Null while traces are off. */
  readonly tracer: Tracer | null;
}

/** A reply that is not one JSON object: a file or a stream of a type of its own. */
export class RawAnswer {
  constructor(
    readonly type: string,
    readonly body: string | Readable,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {}
}

/** How an operation touches the database: in one transaction, in none of its own, or in short ones that it opens itself. */
export type TransactionKind = 'one' | 'none' | 'own';

/** What an operation may look at before its transaction begins. */
export interface BeforeArguments<Input> {
  readonly input: Input;
  readonly caller: Caller;
  readonly context: ApiContext;
  readonly headers: IncomingHttpHeaders;
}

export interface HandleArguments<Input, Kind extends TransactionKind, Before = unknown> {
  /** 'one': the transaction. Else: what runs single statements (the data source, or the transaction of an idempotency key). */
  readonly tx: Kind extends 'one' ? EntityManager : Executor;
  readonly input: Input;
  readonly caller: Caller;
  readonly requestId: string;
  readonly now: Date;
  readonly context: ApiContext;
  readonly headers: IncomingHttpHeaders;
  /** The body as it came, decoded as UTF-8; '' where there was none. */
  readonly bodyText: string;
  /** What `before` answered. */
  readonly before: Before;
  /** Names this request across retries with the same idempotency key (a stable 32-hex digest), or undefined without one. */
  readonly idempotencyDigest: string | undefined;
  /**
   * Adds to the audit records that the frame appends as the transaction's last act ('own': in one of its own, before the
   * answer goes out); the actor is the caller unless said.
   */
  readonly audit: (
    fact: Omit<AuditFact, 'actor' | 'requestId' | 'ip'> & Partial<Pick<AuditFact, 'actor'>>,
    orgId?: string,
  ) => void;
  /** Answers with another status than the operation's own (publish: 200 for a duplicate). */
  readonly setStatus: (status: number) => void;
  /** Runs after commit: wake-ups, never anything that must not be lost. */
  readonly afterCommit: (act: () => void) => void;
}

/** One thing callers may ask for, as data: feeds the router, the validation, OpenAPI and the docs page. */
export interface Operation<
  Input extends z.ZodType = z.ZodType,
  Reply extends z.ZodType = z.ZodType,
  Kind extends TransactionKind = TransactionKind,
  Before = unknown,
> {
  readonly name: string;
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** With `:param` segments; each is a field of the input. */
  readonly path: string;
  readonly summary: string;
  /** The heading under which the docs page lists it. */
  readonly tag: string;
  /** A scope the caller needs (one of several, for a list); 'any': any valid key; 'public': no key at all. */
  readonly scope: Scope | readonly Scope[] | 'any' | 'public';
  /**
   * For whom a signed link in the request speaks, instead of a key; null where it carries none. Told before anything
   * is validated; throws for a link that isn't valid.
   */
  readonly byLink?: (
    context: ApiContext,
    params: Readonly<Record<string, string>>,
    query: Readonly<Record<string, string>>,
  ) => Promise<Pick<Caller, 'orgId' | 'livemode' | 'scopes'> | null>;
  readonly input: Input;
  /** Input fields that come from the query string though the method has a body. */
  readonly queryFields?: readonly string[];
  readonly reply: Reply;
  /** Media types of the other forms of its success, given as RawAnswers. */
  readonly forms?: readonly string[];
  /** Status of success; 200 unless said. */
  readonly status?: number;
  /** Other statuses of success, set by handle. */
  readonly otherStatuses?: readonly number[];
  /** Statuses of failure beyond those that every operation of its kind may answer. */
  readonly otherFailures?: readonly number[];
  readonly transaction: Kind;
  readonly meterClass?: string;
  /** Sent by machines on behalf of many: counted against a ceiling of its own, not the plan's. */
  readonly dataPlane?: boolean;
  /** Bytes that the body may have; 1 MiB unless said. */
  readonly maxBytes?: number;
  /** Takes an Idempotency-Key (POST and PUT). True unless said otherwise for these methods. */
  readonly idempotent?: boolean;
  /** The audit action that a success records; its facts come through `audit` in handle. */
  readonly audits?: string | readonly string[];
  /** Asks others (name servers, identity providers) before the transaction begins: nothing is held open while they think. */
  readonly before?: (args: BeforeArguments<z.output<Input>>) => Promise<Before>;
  readonly handle: (
    args: HandleArguments<z.output<Input>, Kind, NoInfer<Before>>,
  ) => Promise<z.input<NoInfer<Reply>> | RawAnswer>;
}

/** Declares an operation; only there so that its parts type each other. */
export function operation<
  Input extends z.ZodType,
  Reply extends z.ZodType,
  Kind extends TransactionKind,
  Before = undefined,
>(definition: Operation<Input, Reply, Kind, Before>): Operation<Input, Reply, Kind, Before> {
  return definition;
}

export type AnyOperation = Operation<z.ZodType, z.ZodType, TransactionKind>;

/** The audit actor of a caller. */
export function actorOf(caller: Caller): { type: 'api_key' | 'user' | 'operator'; id: string } {
  if (caller.scopes.includes('admin:operator')) return { type: 'operator', id: caller.principalId };
  return { type: caller.authMode === 'api_key' ? 'api_key' : 'user', id: caller.principalId };
}
