import { AsyncLocalStorage } from 'node:async_hooks';
import type { Registry } from 'prom-client';
import type { Config } from './config';
import type { Log } from './log';
import type * as OtlpTracer from './otlp-tracer';

/** What a span knows of what it stands for; names as in OpenTelemetry's semantic conventions, ours begin with `secapi.`. */
export type SpanAttributes = Readonly<Record<string, string | number | undefined>>;

/** A step of a trace, open until its end. One that never ends is never told of. */
export interface Span {
  /** Names this span to whatever it causes (W3C). */
  readonly traceparent: string;
  end(outcome?: {
    /** A better name than it was opened with. */
    readonly name?: string | undefined;
    readonly attributes?: SpanAttributes;
    readonly failed?: boolean;
  }): void;
}

export interface SpanOptions {
  readonly kind: 'server' | 'client' | 'producer' | 'internal';
  /** The traceparent of what caused it; without one a new trace begins. Whether it is sampled goes on too. */
  readonly parent?: string | null;
  /** The traceparent of something in another trace that has to do with it. */
  readonly link?: string | null;
  readonly attributes?: SpanAttributes;
}

/** Opens spans, and exports the ended ones in batches, beside the work and never in its way. */
export interface Tracer {
  start(name: string, options: SpanOptions): Span;
  /** Exports what has ended, for two seconds at most. */
  stop(): Promise<void>;
}

export type TraceSettings = Pick<Config, 'OTEL_EXPORTER_OTLP_ENDPOINT' | 'ENVIRONMENT'>;

/**
 * The process's tracer; null where OTEL_EXPORTER_OTLP_ENDPOINT is unset, and then nothing of OpenTelemetry's SDK is
 * loaded. Write `tracer?.start(…)`: its arguments cost nothing while it is off.
 */
export function createTracer(
  settings: TraceSettings,
  service: 'secapi-api' | 'secapi-worker',
  log: Log,
  registry: Registry,
): Tracer | null {
  if (settings.OTEL_EXPORTER_OTLP_ENDPOINT === '') return null;
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded only where traces are wanted
  const { createOtlpTracer } = require('./otlp-tracer') as typeof OtlpTracer;
  return createOtlpTracer(settings, service, log, registry);
}

const current = new AsyncLocalStorage<string>();

/** Does something as what a span stands for: rows that it writes remember it as their cause. Without a span it is just done. */
export function within<Result>(span: Span | undefined, act: () => Result): Result {
  return span ? current.run(span.traceparent, act) : act();
}

/** Does something that outlives what asked for it: nothing that it writes has that as its cause. */
export function outside<Result>(act: () => Result): Result {
  return current.exit(act);
}

/** The traceparent of the span that this is done within; null where there is none, as always while traces are off. */
export function currentTraceparent(): string | null {
  return current.getStore() ?? null;
}

/** Whether two traceparents are of one trace. */
export function isSameTrace(one: string, other: string): boolean {
  return one.split('-')[1] === other.split('-')[1];
}
