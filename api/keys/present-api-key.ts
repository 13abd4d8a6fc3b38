import { z } from 'zod';
import type { ApiKey } from '../../entities/api-key';
import { timestamp } from '../http/schemas';

export const apiKeyReply = z.object({
  object: z.literal('api_key'),
  id: z.string(),
  createdAt: timestamp,
  livemode: z.boolean(),
  orgId: z.string(),
  label: z.string().nullable(),
  keyPrefix: z.string(),
  scopes: z.array(z.string()),
  status: z.enum(['active', 'revoked']),
  lastUsedAt: timestamp.nullable(),
  expiresAt: timestamp.nullable(),
  ipAllowlist: z.array(z.string()).nullable(),
});

/** A key as callers see it: never its secret, which is added once, where it was just made. */
export function presentApiKey(key: ApiKey): z.input<typeof apiKeyReply> {
  return {
    object: 'api_key',
    id: key.id,
    createdAt: key.createdAt.toISOString(),
    livemode: key.livemode,
    orgId: key.orgId,
    label: key.label,
    keyPrefix: key.keyPrefix,
    scopes: key.scopes,
    status: key.status,
    lastUsedAt: key.lastUsedAt?.toISOString() ?? null,
    expiresAt: key.expiresAt?.toISOString() ?? null,
    ipAllowlist: key.ipAllowlist,
  };
}
