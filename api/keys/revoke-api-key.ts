import { z } from 'zod';
import { lockApiKey } from '../../entities/find-api-key';
import { emitRevoked } from '../../entities/key-events';
import { operation } from '../http/operation';
import { id } from '../http/schemas';
import { apiKeyReply, presentApiKey } from './present-api-key';

export const revokeApiKey = operation({
  name: 'revokeApiKey',
  method: 'delete',
  path: '/v1/api_keys/:apiKeyId',
  summary: 'Revoke a key: it is refused from the next request on',
  tag: 'api keys',
  scope: 'keys:manage',
  transaction: 'one',
  audits: 'api_key.revoked',
  input: z.object({ apiKeyId: id('key') }),
  reply: apiKeyReply,
  async handle({ tx, input, caller, now, requestId, context, audit, afterCommit }) {
    const key = await lockApiKey(tx, caller, input.apiKeyId);
    if (key.status === 'revoked') return presentApiKey(key);
    key.status = 'revoked';
    key.revokedAt = now;
    await tx.save(key);
    await emitRevoked(tx, key, requestId, now, context.schedule);
    afterCommit(() => context.wake('delivery'));
    audit({
      action: 'api_key.revoked',
      target: { type: 'api_key', id: key.id },
      before: { status: 'active' },
      after: { status: 'revoked' },
    });
    return presentApiKey(key);
  },
});
