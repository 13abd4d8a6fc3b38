import { z } from 'zod';
import { operation } from '../http/operation';

export const getMe = operation({
  name: 'getMe',
  method: 'get',
  path: '/v1/me',
  summary: 'Tell who the key speaks for and what it may do',
  tag: 'identity',
  scope: 'any',
  transaction: 'none',
  input: z.object({}),
  reply: z.object({
    object: z.literal('principal_context'),
    principal: z.object({
      principalId: z.string(),
      subject: z.string(),
      orgId: z.string(),
      authMode: z.enum(['api_key', 'bearer']),
      scopes: z.array(z.string()),
      livemode: z.boolean(),
      publicPlanKey: z.string(),
      billingState: z.string(),
    }),
  }),
  async handle({ caller }) {
    const { principalId, subject, orgId, authMode, scopes, livemode, planKey, billingState } =
      caller;
    return {
      object: 'principal_context' as const,
      principal: {
        principalId,
        subject,
        orgId,
        authMode,
        scopes: [...scopes],
        livemode,
        publicPlanKey: planKey,
        billingState,
      },
    };
  },
});
