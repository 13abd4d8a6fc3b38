import { z } from 'zod';
import { SCOPES } from '../../entities/api-key';
import {
  BootstrapToken,
  hashBootstrapSecret,
  newBootstrapSecret,
} from '../../entities/bootstrap-token';
import { DAY_SECONDS } from '../../platform/clock';
import { newId } from '../../platform/ids';
import { operation } from '../http/operation';
import { text, timestamp } from '../http/schemas';
import { requireHeldScopes } from '../keys/held-scopes';

const DEFAULT_TTL_SECONDS = 3_600;
const PREFIX_LENGTH = 20;

export const createBootstrapToken = operation({
  name: 'createBootstrapToken',
  method: 'post',
  path: '/v1/agent/bootstrap_tokens',
  summary:
    'Make a token with which an agent makes itself a key, once; its secret is shown this once',
  tag: 'agents',
  scope: 'keys:manage',
  transaction: 'one',
  status: 201,
  audits: 'agent_bootstrap_token.created',
  input: z.object({
    label: text(200).nullish(),
    scopes: z.array(z.enum(SCOPES)).max(SCOPES.length).nullish(),
    ttlSeconds: z.int().min(1).max(DAY_SECONDS).nullish(),
  }),
  reply: z.object({
    object: z.literal('agent_bootstrap_token'),
    id: z.string(),
    orgId: z.string(),
    actorPrincipalId: z.string(),
    label: z.string().nullable(),
    tokenPrefix: z.string(),
    scopes: z.array(z.string()),
    livemode: z.boolean(),
    expiresAt: timestamp,
    usedAt: timestamp.nullable(),
    usedByPrincipalId: z.string().nullable(),
    createdAt: timestamp,
    updatedAt: timestamp,
    secret: z.string(),
  }),
  async handle({ tx, input, caller, now, audit }) {
    const scopes = [...new Set(input.scopes ?? ['read:sec' as const])];
    requireHeldScopes(
      scopes,
      caller.scopes,
      'A token can only hand on scopes that you hold yourself.',
    );
    const secret = newBootstrapSecret();
    const ttlSeconds = input.ttlSeconds ?? DEFAULT_TTL_SECONDS;
    const token = await tx.save(
      tx.create(BootstrapToken, {
        id: newId('abt'),
        orgId: caller.orgId,
        actorPrincipalId: caller.principalId,
        label: input.label ?? null,
        tokenPrefix: secret.slice(0, PREFIX_LENGTH),
        hash: hashBootstrapSecret(secret),
        scopes,
        livemode: caller.livemode,
        expiresAt: new Date(now.getTime() + ttlSeconds * 1_000),
        usedAt: null,
        usedByPrincipalId: null,
        createdAt: now,
        updatedAt: now,
      }),
    );
    audit({
      action: 'agent_bootstrap_token.created',
      target: { type: 'agent_bootstrap_token', id: token.id },
      after: { label: token.label, scopes, livemode: token.livemode, ttlSeconds },
    });
    return {
      object: 'agent_bootstrap_token' as const,
      id: token.id,
      orgId: token.orgId,
      actorPrincipalId: token.actorPrincipalId,
      label: token.label,
      tokenPrefix: token.tokenPrefix,
      scopes,
      livemode: token.livemode,
      expiresAt: token.expiresAt.toISOString(),
      usedAt: null,
      usedByPrincipalId: null,
      createdAt: now.toISOString(),
      updatedAt: now.toISOString(),
      secret,
    };
  },
});
