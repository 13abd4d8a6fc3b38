import {
  diag,
  DiagLogLevel,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type SpanContext,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';
import type { Registry } from 'prom-client';
import { MINUTE_MS } from './clock';
import type { Log } from './log';
import { createSpanCounters } from './metrics';
import type { SpanOptions, Tracer, TraceSettings } from './trace';

const STOP_MS = 2_000;
/** The SDK tells errors with their stacks, and collectors with their pages. */
const MOST_TOLD = 200;

const KINDS: Record<SpanOptions['kind'], SpanKind> = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  internal: SpanKind.INTERNAL,
};

/**
 * A tracer over OpenTelemetry's SDK: OTLP over HTTP, in batches. Headers, timeout, sampler, batch sizes, service name
 * and resource attributes are the SDK's own to read from the standard variables.
 */
export function createOtlpTracer(
  settings: TraceSettings,
  service: string,
  log: Log,
  registry: Registry,
): Tracer {
  const complain = onceAMinute((reason) =>
    log.warn({ reason }, 'spans are not exported as wanted'),
  );
  tellThroughLog(complain);
  const counters = createSpanCounters(registry);
  const url = `${settings.OTEL_EXPORTER_OTLP_ENDPOINT.replace(/\/+$/, '')}/v1/traces`;
  const exporter = watched(new OTLPTraceExporter({ url }), complain, counters.exported);
  const provider = new BasicTracerProvider({
    resource: defaultResource()
      .merge(
        resourceFromAttributes({
          'service.name': service,
          'deployment.environment.name': settings.ENVIRONMENT,
        }),
      )
      .merge(resourceFromAttributes(envDetector.detect().attributes ?? {})),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  const tracer = provider.getTracer('secapi');
  return {
    start(name, { kind, parent, link, attributes }) {
      const span = tracer.startSpan(
        name,
        {
          kind: KINDS[kind],
          ...(attributes ? { attributes } : {}),
          ...(link ? { links: [{ context: contextOf(link) }] } : {}),
        },
        parent ? trace.setSpanContext(ROOT_CONTEXT, contextOf(parent)) : ROOT_CONTEXT,
      );
      return {
        traceparent: traceparentOf(span.spanContext()),
        end(outcome = {}) {
          if (outcome.name !== undefined) span.updateName(outcome.name);
          if (outcome.attributes) span.setAttributes(outcome.attributes);
          if (outcome.failed) span.setStatus({ code: SpanStatusCode.ERROR });
          if (span.isRecording()) counters.ended(1);
          span.end();
        },
      };
    },
    async stop() {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, STOP_MS);
      });
      await Promise.race([late, provider.shutdown().catch(() => undefined)]);
      clearTimeout(timer);
    },
  };
}

/** The same exporter; what it exported is counted, why it did not is told. */
function watched(
  exporter: SpanExporter,
  complain: (reason: string) => void,
  exported: (spans: number) => void,
): SpanExporter {
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        if (result.error) complain(result.error.message);
        else exported(spans.length);
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}

/** What the SDK has to say of itself goes through our log, too. */
function tellThroughLog(complain: (reason: string) => void): void {
  const silent = (): void => undefined;
  const tell = (...parts: unknown[]): void => complain(parts.map(String).join(' '));
  diag.setLogger(
    { error: tell, warn: tell, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}

function onceAMinute(tell: (reason: string) => void): (reason: string) => void {
  let quietUntil = 0;
  return (reason) => {
    if (performance.now() < quietUntil) return;
    quietUntil = performance.now() + MINUTE_MS;
    tell(reason.slice(0, MOST_TOLD));
  };
}

function contextOf(traceparent: string): SpanContext {
  const [, traceId = '', spanId = '', flags = '00'] = traceparent.split('-');
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}

function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}
