import { z } from 'zod';
import { lockEndpoint } from '../../entities/endpoint-lifecycle';
import { emitEvent } from '../../entities/publish-event';
import { DAY_SECONDS } from '../../platform/clock';
import { newSigningSecret } from '../../platform/signature';
import { operation } from '../http/operation';
import { id } from '../http/schemas';
import { presentEndpoint, webhookEndpointWithSecret } from './present-endpoint';

export const rotateWebhookSecret = operation({
  name: 'rotateWebhookSecret',
  method: 'post',
  path: '/v1/webhook_endpoints/:webhookId/rotate_secret',
  summary: 'Replace an endpoint’s signing secret; with an overlap both sign for a while',
  tag: 'webhooks',
  scope: 'write:sec',
  transaction: 'one',
  audits: 'webhook_endpoint.secret_rotated',
  input: z.object({
    webhookId: id('whe'),
    overlapSeconds: z
      .int()
      .min(0)
      .max(7 * DAY_SECONDS)
      .nullish(),
  }),
  reply: webhookEndpointWithSecret,
  async handle({ tx, input, caller, now, requestId, context, audit, afterCommit }) {
    const endpoint = await lockEndpoint(tx, caller, input.webhookId);
    const overlapSeconds = input.overlapSeconds ?? 0;
    const signingSecret = newSigningSecret();
    const overlaps = overlapSeconds > 0;
    endpoint.previousSecretSealed = overlaps ? endpoint.secretSealed : null;
    endpoint.previousSecretUntil = overlaps
      ? new Date(now.getTime() + overlapSeconds * 1_000)
      : null;
    endpoint.secretSealed = context.secrets.seal(signingSecret, endpoint.id);
    endpoint.updatedAt = now;
    await tx.save(endpoint);
    await emitEvent(tx, {
      orgId: endpoint.orgId,
      livemode: endpoint.livemode,
      type: 'webhook_endpoint.secret_rotated',
      data: { webhookId: endpoint.id, overlapSeconds },
      requestId,
      now,
      schedule: context.schedule,
      except: endpoint.id,
    });
    afterCommit(() => context.wake('delivery'));
    audit({
      action: 'webhook_endpoint.secret_rotated',
      target: { type: 'webhook_endpoint', id: endpoint.id },
      after: { overlapSeconds },
    });
    return { ...presentEndpoint(endpoint), signingSecret };
  },
});
