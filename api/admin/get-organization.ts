import { IsNull } from 'typeorm';
import { z } from 'zod';
import { Artifact } from '../../entities/artifact';
import { ApiKey } from '../../entities/api-key';
import { countDeliveries } from '../../entities/delivery-counts';
import { Event } from '../../entities/event';
import { findOrganization } from '../../entities/find-organization';
import { streamHeads, StreamSubscription } from '../../entities/stream';
import { countSockets } from '../../entities/stream-socket';
import { usageMeters } from '../../entities/usage-report';
import { WebhookEndpoint } from '../../entities/webhook-endpoint';
import { invoicePeriod } from '../../platform/clock';
import { artifactReply, presentArtifact } from '../artifacts/present-artifact';
import { accountReply, presentAccount } from '../billing/present-account';
import { limitsReply, presentLimits } from '../billing/present-limits';
import {
  deliverySummaryReply,
  monthBefore,
  presentStreamRows,
} from '../diagnostics/summarize-deliveries';
import { operation } from '../http/operation';
import { id, timestamp } from '../http/schemas';
import { apiKeyReply, presentApiKey } from '../keys/present-api-key';
import { presentStream, streamReply } from '../streams/present-stream';
import { presentEndpoint, webhookEndpointReply } from '../webhooks/present-endpoint';
import { adminOrganizationReply, presentAdminOrganization } from './present-organization';

const MOST = 50;

export const getOrganizationSnapshot = operation({
  name: 'getOrganizationSnapshot',
  method: 'get',
  path: '/v1/admin/orgs/:orgId',
  summary:
    'Show an organization: keys, billing, limits, usage, latest events, webhooks, streams, artifacts and deliveries',
  tag: 'operator',
  scope: 'admin:operator',
  transaction: 'none',
  input: z.object({ orgId: id('org') }),
  reply: z.object({
    object: z.literal('admin_organization'),
    organization: adminOrganizationReply,
    apiKeys: z.array(apiKeyReply),
    billing: accountReply,
    limits: limitsReply,
    usage: z.object({
      invoicePeriod: z.string(),
      totalRequests: z.int(),
      meters: z.array(z.object({ meterClass: z.string(), count: z.int(), errorCount: z.int() })),
    }),
    events: z.array(
      z.object({ id: z.string(), type: z.string(), createdAt: timestamp, requestId: z.string() }),
    ),
    webhooks: z.array(webhookEndpointReply),
    streams: z.object({
      subscriptions: z.array(streamReply),
      openSockets: z.int(),
      usage: deliverySummaryReply.shape.streamRows,
    }),
    artifacts: z.array(artifactReply),
    deliveries: z.object({
      pending: z.int(),
      delivered: z.int(),
      failed: z.int(),
      cancelled: z.int(),
    }),
  }),
  async handle({ tx, input: { orgId }, caller, now, context }) {
    const { catalog } = context;
    const organization = await findOrganization(tx, orgId);
    const newest = { order: { id: 'DESC' as const }, take: MOST };
    const keys = await tx.getRepository(ApiKey).find({ where: { orgId }, ...newest });
    const events = await tx.getRepository(Event).find({
      select: { id: true, type: true, createdAt: true, requestId: true },
      where: { orgId },
      order: { xid: 'DESC', id: 'DESC' },
      take: MOST,
    });
    const webhooks = await tx
      .getRepository(WebhookEndpoint)
      .find({ where: { orgId, deletedAt: IsNull() }, ...newest });
    const streams = await tx
      .getRepository(StreamSubscription)
      .find({ where: { orgId, deletedAt: IsNull() }, ...newest });
    const heads = await streamHeads(
      tx,
      streams.map(({ id }) => id),
    );
    const artifacts = await tx.getRepository(Artifact).find({ where: { orgId }, ...newest });
    const viewer = { caller, context, now };
    const period = invoicePeriod(now);
    const meters = await usageMeters(tx, { orgId, livemode: true }, period);
    return {
      object: 'admin_organization' as const,
      organization: presentAdminOrganization(organization),
      apiKeys: keys.map(presentApiKey),
      billing: await presentAccount(tx, catalog, { orgId, livemode: true, now }),
      limits: await presentLimits(tx, catalog, orgId, now),
      usage: {
        invoicePeriod: period,
        totalRequests: meters.reduce((sum, { count }) => sum + count, 0),
        meters,
      },
      events: events.map((event) => ({
        id: event.id,
        type: event.type,
        createdAt: event.createdAt.toISOString(),
        requestId: event.requestId,
      })),
      webhooks: webhooks.map(presentEndpoint),
      streams: {
        subscriptions: streams.map((stream) => presentStream(stream, heads.get(stream.id))),
        openSockets: await countSockets(tx, orgId, now),
        usage: await presentStreamRows(tx, { orgId, testOnly: false }, monthBefore(now), MOST),
      },
      artifacts: artifacts.map((artifact) => presentArtifact(artifact, viewer)),
      deliveries: await countDeliveries(tx, orgId),
    };
  },
});
