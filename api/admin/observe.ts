import { z } from 'zod';
import { Event } from '../../entities/event';
import { systemHealth } from '../../entities/system-health';
import { totalUsage } from '../../entities/usage-report';
import { invoicePeriod } from '../../platform/clock';
import { operation, type ApiContext } from '../http/operation';
import { limit, timestamp } from '../http/schemas';

const configReply = z.object({
  object: z.literal('observability_config'),
  service: z.literal('secapi-api'),
  environment: z.string(),
  baseUrl: z.string().nullable(),
  providers: z.object({
    sentryConfigured: z.boolean(),
    posthogConfigured: z.boolean(),
    otlpConfigured: z.boolean(),
    workosConfigured: z.boolean(),
  }),
  logs: z.object({ usageEventLog: z.string(), webhookEventLog: z.string() }),
  quotas: z.array(z.object({ meterClass: z.string(), limit: z.int(), period: z.string() })),
});

const healthReply = z.object({
  deliveries: z.object({ pending: z.int(), failed: z.int(), successRate: z.number() }),
  outboxAgeSeconds: z.int(),
  billing: z.object({ openCheckouts: z.int(), paymentFailed: z.int(), restricted: z.int() }),
});

const shared = {
  method: 'get',
  tag: 'operator',
  scope: 'admin:operator',
  transaction: 'none',
} as const;

export const getObservability = operation({
  ...shared,
  name: 'getObservability',
  path: '/v1/observability',
  summary: 'Show what is configured to be watched, and how the server is doing; no secret ever',
  input: z.object({}),
  reply: configReply.extend({ health: healthReply }),
  async handle({ tx, context, now }) {
    return { ...configOf(context), health: await systemHealth(tx, now) };
  },
});

export const exportObservability = operation({
  ...shared,
  name: 'exportObservability',
  path: '/v1/observability/export',
  summary: 'Export what is configured, this month’s usage and the latest events',
  input: z.object({ limit }),
  reply: z.object({
    object: z.literal('observability_export'),
    config: configReply,
    usage: z.record(z.string(), z.object({ count: z.int(), errorCount: z.int() })),
    recentEvents: z.array(
      z.object({
        id: z.string(),
        type: z.string(),
        orgId: z.string(),
        createdAt: timestamp,
        requestId: z.string(),
      }),
    ),
  }),
  async handle({ tx, input, context, now }) {
    const events = await tx.getRepository(Event).find({
      order: { id: 'DESC' },
      take: input.limit,
      select: { id: true, type: true, orgId: true, createdAt: true, requestId: true },
    });
    return {
      object: 'observability_export' as const,
      config: configOf(context),
      usage: await totalUsage(tx, invoicePeriod(now)),
      recentEvents: events.map((event) => ({
        id: event.id,
        type: event.type,
        orgId: event.orgId,
        createdAt: event.createdAt.toISOString(),
        requestId: event.requestId,
      })),
    };
  },
});

function configOf({ config, catalog, oidc }: ApiContext): z.input<typeof configReply> {
  const [first] = catalog.plans;
  return {
    object: 'observability_config',
    service: 'secapi-api',
    environment: config.ENVIRONMENT,
    baseUrl: config.PUBLIC_URL,
    providers: {
      sentryConfigured: false,
      posthogConfigured: false,
      otlpConfigured: config.OTEL_EXPORTER_OTLP_ENDPOINT !== '',
      workosConfigured: oidc !== null,
    },
    logs: { usageEventLog: 'postgres', webhookEventLog: 'postgres' },
    quotas: catalog.meterClasses.map(({ key }) => ({
      meterClass: key,
      limit: first?.requestsPerMinute ?? 0,
      period: 'minute',
    })),
  };
}
