import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../../devstack/repository-root';
import { createLog } from '../../platform/log';
import { createLoop } from '../../platform/loop';
import { createMetrics } from '../../platform/metrics';
import { createTracer, currentTraceparent, isSameTrace, within } from '../../platform/trace';
import { readConfig } from '../../platform/config';
import { testConfig } from '../support/config';
import { startTraceCollector } from '../support/trace-collector';
import { until } from '../support/until';

const root = repositoryRoot();
const ROOMS = ['activities', 'api', 'cli', 'entities', 'integrations', 'platform', 'worker'];

function filesThatHold(text: RegExp): string[] {
  return ROOMS.flatMap((room) =>
    readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(room, name))
      .filter((file) => text.test(readFileSync(join(root, file), 'utf8'))),
  );
}

describe('traces', () => {
  const loaded: string[] = [];
  beforeEach(() => {
    loaded.length = 0;
    for (const name of ['sdk-trace-base', 'exporter-trace-otlp-http', 'resources']) {
      jest.doMock(`@opentelemetry/${name}`, () => {
        loaded.push(name);
        return jest.requireActual<object>(`@opentelemetry/${name}`);
      });
    }
  });

  const tracerWith = (settings: Record<string, string>) =>
    createTracer(
      testConfig('postgres://x/y', settings),
      'secapi-api',
      createLog('test', 'silent'),
      createMetrics(),
    );

  it('are off unless configured, and then nothing of OpenTelemetry’s SDK is loaded', async () => {
    expect(tracerWith({})).toBeNull();
    expect(loaded).toEqual([]);
    const tracer = tracerWith({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' });
    expect(loaded.sort()).toEqual(['exporter-trace-otlp-http', 'resources', 'sdk-trace-base']);
    await tracer?.stop();
  });

  it('reach OpenTelemetry through one file, which one line loads', () => {
    expect(filesThatHold(/'@opentelemetry\//)).toEqual(['platform/otlp-tracer.ts']);
    expect(filesThatHold(/(from|require\() ?'[./]*\/otlp-tracer'/)).toEqual(['platform/trace.ts']);
    const text = readFileSync(join(root, 'platform/trace.ts'), 'utf8');
    expect(text).not.toMatch(/^import (?!type ).*otlp-tracer/m);
  });

  it('are exported to the last span when the process leaves', async () => {
    const collector = await startTraceCollector();
    const tracer = tracerWith({ OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/` });
    tracer?.start('x', { kind: 'internal' }).end({ name: 'y', failed: true });
    tracer?.start('never ended', { kind: 'internal' });
    await tracer?.stop();
    expect(collector.spans).toMatchObject([
      { service: 'secapi-api', name: 'y', kind: 'internal', parentId: null, failed: true },
    ]);
    await collector.close();
  });

  it('end with the process though the collector does not answer', async () => {
    const held: ServerResponse[] = [];
    const collector = createServer((_request, response) => void held.push(response));
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
    const { port } = collector.address() as AddressInfo;
    const tracer = tracerWith({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` });
    tracer?.start('x', { kind: 'internal' }).end();
    await tracer?.stop();
    expect(held.map(({ writableEnded }) => writableEnded)).toEqual([false]);
    for (const response of held) response.writeHead(400).end();
    await new Promise((resolve) => {
      collector.close(resolve);
      collector.closeIdleConnections();
    });
  });

  it('refuse an endpoint that is no URL, at the start and by name', () => {
    for (const OTEL_EXPORTER_OTLP_ENDPOINT of ['collector:4318', 'grpc://collector', 'nowhere']) {
      expect(() => readConfig({ OTEL_EXPORTER_OTLP_ENDPOINT })).toThrow(
        'OTEL_EXPORTER_OTLP_ENDPOINT: must be an http:// or https:// URL',
      );
    }
  });

  it('name what is done within a span to whatever it calls, and nothing else', async () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const span = { traceparent, end: () => undefined };
    const later = async (): Promise<string | null> => {
      await Promise.resolve();
      return currentTraceparent();
    };
    const [inside, outside] = await Promise.all([within(span, later), later()]);
    expect([inside, outside, currentTraceparent()]).toEqual([traceparent, null, null]);
    expect(await within(undefined, later)).toBeNull();
  });

  it('end where a loop is woken: its turns are nobody’s', async () => {
    const seen: (string | null)[] = [];
    const loop = createLoop({
      name: 'test',
      log: createLog('test', 'silent'),
      pollMs: 1,
      turn: async () => {
        seen.push(currentTraceparent());
        return false;
      },
    });
    const span = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, end: () => undefined };
    within(span, () => loop.start());
    await until(
      async () => seen.length,
      (turns) => turns >= 3,
    );
    within(span, () => loop.wake());
    await loop.stop();
    expect(new Set(seen)).toEqual(new Set([null]));
  });

  it('are told apart by their ids', () => {
    const [a, b] = ['a', 'b'].map((digit) => `00-${digit.repeat(32)}-${'c'.repeat(16)}-01`);
    expect(isSameTrace(a ?? '', `00-${'a'.repeat(32)}-${'d'.repeat(16)}-00`)).toBe(true);
    expect(isSameTrace(a ?? '', b ?? '')).toBe(false);
  });
});
