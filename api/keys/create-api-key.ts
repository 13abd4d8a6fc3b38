import { z } from 'zod';
import { SCOPES } from '../../entities/api-key';
import { mintApiKey } from '../../entities/create-organization';
import { requireRoomForKey } from '../../entities/key-limits';
import { emitEvent } from '../../entities/publish-event';
import { Fault, invalidInput } from '../../platform/fault';
import { operation } from '../http/operation';
import { parseRange } from '../http/caller-address';
import { text, time } from '../http/schemas';
import { ONLY_HELD, requireHeldScopes } from './held-scopes';
import { apiKeyReply, presentApiKey } from './present-api-key';

const cidr = z.string().refine((range) => parseRange(range) !== null, 'must be an address or CIDR');

export const createApiKey = operation({
  name: 'createApiKey',
  method: 'post',
  path: '/v1/api_keys',
  summary: 'Create a key; its secret is shown this once',
  tag: 'api keys',
  scope: 'keys:manage',
  transaction: 'one',
  status: 201,
  audits: 'api_key.created',
  input: z.object({
    label: text(200).nullish(),
    scopes: z.array(z.enum(SCOPES)).max(SCOPES.length).nullish(),
    livemode: z.boolean().nullish(),
    expiresAt: time.nullish(),
    ipAllowlist: z.array(cidr).max(100).nullish(),
  }),
  reply: apiKeyReply.extend({ secret: z.string() }),
  async handle({ tx, input, caller, now, requestId, context, audit, afterCommit }) {
    const livemode = input.livemode ?? false;
    const scopes = [...new Set(input.scopes ?? ['read:sec' as const])];
    requireHeldScopes(scopes, caller.scopes, ONLY_HELD);
    if (livemode && !caller.livemode) {
      throw new Fault('insufficient_scope', { message: 'A test key cannot make a live one.' });
    }
    const expiresAt = input.expiresAt ? new Date(input.expiresAt) : null;
    if (expiresAt && expiresAt <= now) throw invalidInput('expiresAt', 'must lie in the future');
    const included = context.catalog.plan(caller.planKey)?.apiKeysIncluded ?? 1;
    await requireRoomForKey(tx, caller.orgId, included, now);
    const { key, secret } = await mintApiKey(tx, {
      orgId: caller.orgId,
      livemode,
      scopes,
      label: input.label ?? null,
      now,
      createdBy: caller.principalId,
      expiresAt,
      ipAllowlist: input.ipAllowlist ?? null,
    });
    const facts = { label: key.label, scopes, livemode, keyPrefix: key.keyPrefix };
    await emitEvent(tx, {
      orgId: caller.orgId,
      livemode,
      type: 'api_key.created',
      data: { apiKeyId: key.id, ...facts },
      requestId,
      now,
      schedule: context.schedule,
    });
    afterCommit(() => context.wake('delivery'));
    audit({ action: 'api_key.created', target: { type: 'api_key', id: key.id }, after: facts });
    return { ...presentApiKey(key), secret };
  },
});
