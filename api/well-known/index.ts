import { z } from 'zod';
import { SCOPES } from '../../entities/api-key';
import { ProviderAway } from '../../integrations/oidc';
import { Fault } from '../../platform/fault';
import { operation, type AnyOperation } from '../http/operation';

const getProtectedResource = operation({
  name: 'getProtectedResource',
  method: 'get',
  path: '/.well-known/oauth-protected-resource',
  summary: 'Tell clients who issues tokens for this API (RFC 9728)',
  tag: 'identity',
  scope: 'public',
  transaction: 'none',
  input: z.object({}),
  reply: z.object({
    resource: z.url(),
    authorization_servers: z.array(z.url()),
    bearer_methods_supported: z.array(z.literal('header')),
    scopes_supported: z.array(z.string()),
    resource_name: z.string(),
    resource_documentation: z.url(),
  }),
  async handle({ context: { config, oidc } }) {
    return {
      resource: config.PUBLIC_URL,
      authorization_servers: oidc ? [oidc.issuer] : [],
      bearer_methods_supported: ['header' as const],
      scopes_supported: SCOPES.filter((scope) => scope !== 'admin:operator'),
      resource_name: 'SEC API Enterprise',
      resource_documentation: `${config.PUBLIC_URL}/docs`,
    };
  },
});

const getAuthorizationServer = operation({
  name: 'getAuthorizationServer',
  method: 'get',
  path: '/.well-known/oauth-authorization-server',
  summary: 'Pass on the configured issuer’s metadata (RFC 8414)',
  tag: 'identity',
  scope: 'public',
  transaction: 'none',
  input: z.object({}),
  reply: z.looseObject({ issuer: z.string() }),
  async handle({ context: { oidc } }) {
    if (!oidc) {
      throw new Fault('not_configured', {
        message: 'No identity provider is configured on this server.',
        hint: 'Set OIDC_ISSUER, or use an API key.',
      });
    }
    try {
      return (await oidc.discovery()) as { issuer: string };
    } catch (error) {
      if (!(error instanceof ProviderAway)) throw error;
      throw new Fault('dependency_unavailable', {
        message: 'The identity provider is away at the moment.',
        retryAfterSeconds: 5,
        cause: error,
      });
    }
  },
});

export const wellKnownOperations = [
  getProtectedResource,
  getAuthorizationServer,
] as unknown as AnyOperation[];
