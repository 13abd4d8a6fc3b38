import { z } from 'zod';
import { mintApiKey } from '../../entities/create-organization';
import { lockApiKey } from '../../entities/find-api-key';
import { requireRoomForKey } from '../../entities/key-limits';
import { emitRevoked } from '../../entities/key-events';
import { emitEvent } from '../../entities/publish-event';
import { DAY_SECONDS } from '../../platform/clock';
import { Fault } from '../../platform/fault';
import { operation } from '../http/operation';
import { id } from '../http/schemas';
import { ONLY_HELD, requireHeldScopes } from './held-scopes';
import { apiKeyReply, presentApiKey } from './present-api-key';

export const rotateApiKey = operation({
  name: 'rotateApiKey',
  method: 'post',
  path: '/v1/api_keys/:apiKeyId/rotate',
  summary: 'Replace a key by a new one; with an overlap both work for a while',
  tag: 'api keys',
  scope: 'keys:manage',
  transaction: 'one',
  status: 201,
  audits: 'api_key.rotated',
  input: z.object({
    apiKeyId: id('key'),
    overlapSeconds: z
      .int()
      .min(0)
      .max(7 * DAY_SECONDS)
      .nullish(),
  }),
  reply: apiKeyReply.extend({ secret: z.string(), replaces: z.string() }),
  async handle({ tx, input, caller, now, requestId, context, audit, afterCommit }) {
    const old = await lockApiKey(tx, caller, input.apiKeyId);
    if (old.status === 'revoked' || (old.expiresAt && old.expiresAt <= now)) {
      throw new Fault('conflict', { message: 'Only an active key can be rotated.' });
    }
    requireHeldScopes(old.scopes, caller.scopes, ONLY_HELD);
    const { expiresAt } = old;
    const overlapSeconds = input.overlapSeconds ?? 0;
    const endsAt = new Date(now.getTime() + overlapSeconds * 1_000);
    if (overlapSeconds === 0) {
      old.status = 'revoked';
      old.revokedAt = now;
    } else {
      const included = context.catalog.plan(caller.planKey)?.apiKeysIncluded ?? 1;
      await requireRoomForKey(tx, caller.orgId, included, now);
      if (!old.expiresAt || old.expiresAt > endsAt) old.expiresAt = endsAt;
    }
    const { key, secret } = await mintApiKey(tx, {
      orgId: old.orgId,
      livemode: old.livemode,
      scopes: old.scopes,
      label: old.label,
      now,
      createdBy: caller.principalId,
      expiresAt,
      ipAllowlist: old.ipAllowlist,
      replaces: old.id,
    });
    await tx.save(old);
    if (old.status === 'revoked') await emitRevoked(tx, old, requestId, now, context.schedule);
    const facts = { apiKeyId: key.id, label: key.label, keyPrefix: key.keyPrefix };
    await emitEvent(tx, {
      orgId: key.orgId,
      livemode: key.livemode,
      type: 'api_key.created',
      data: { ...facts, replaces: old.id },
      requestId,
      now,
      schedule: context.schedule,
    });
    afterCommit(() => context.wake('delivery'));
    audit({
      action: 'api_key.rotated',
      target: { type: 'api_key', id: old.id },
      after: { replacedBy: key.id, overlapSeconds },
    });
    return { ...presentApiKey(key), secret, replaces: old.id };
  },
});
