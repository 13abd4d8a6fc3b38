import { z } from 'zod';

const note = z.string();
const url = z.url();
const headers = z.record(z.string(), z.string());

export const distributionReply = z.object({
  transport: z.object({ type: z.string(), url }),
  auth: z.object({
    preferred: z.string(),
    supported: z.array(z.string()),
    apiKeyHeader: z.string(),
    protectedResourceMetadataUrl: url,
    authorizationServerMetadataUrl: url,
    note,
  }),
  clients: z.object({
    claudeCode: z.object({ addCommand: z.string(), note }),
    cursor: z.object({ config: z.object({ url, headers }), note }),
    generic: z.object({ url, headers }),
  }),
  docs: z.object({ agentsUrl: url, gettingStartedUrl: url, mcpWorkflowsUrl: url, authUrl: url }),
  bootstrap: z.object({ sponsorTokenUrl: url, machineBootstrapUrl: url, note }),
  capabilitiesSummary: z.object({
    tools: z.array(z.string()),
    resourceTemplates: z.array(z.string()),
  }),
});

const KEY_HEADER = 'x-api-key';
const PLACEHOLDER = '<your key>';

/** Where an agent finds what it needs: every link absolute, from PUBLIC_URL; no secret in it. */
export function presentDistribution(publicUrl: string): z.input<typeof distributionReply> {
  const wellKnown = `${publicUrl}/.well-known`;
  const docs = `${publicUrl}/docs`;
  return {
    transport: { type: 'http', url: publicUrl },
    auth: {
      preferred: 'api_key',
      supported: ['api_key', 'oauth'],
      apiKeyHeader: KEY_HEADER,
      protectedResourceMetadataUrl: `${wellKnown}/oauth-protected-resource`,
      authorizationServerMetadataUrl: `${wellKnown}/oauth-authorization-server`,
      note: 'Machines use a key; people sign in with the configured OpenID provider.',
    },
    clients: {
      claudeCode: {
        addCommand: `claude mcp add --transport http secapi ${publicUrl} --header "${KEY_HEADER}: ${PLACEHOLDER}"`,
        note: 'Replace the placeholder by the key of this answer.',
      },
      cursor: {
        config: { url: publicUrl, headers: { [KEY_HEADER]: PLACEHOLDER } },
        note: 'Replace the placeholder by the key of this answer.',
      },
      generic: { url: publicUrl, headers: { [KEY_HEADER]: PLACEHOLDER } },
    },
    docs: {
      agentsUrl: `${docs}#agents`,
      gettingStartedUrl: docs,
      mcpWorkflowsUrl: `${docs}#agents`,
      authUrl: `${docs}#identity`,
    },
    bootstrap: {
      sponsorTokenUrl: `${publicUrl}/v1/agent/bootstrap_tokens`,
      machineBootstrapUrl: `${publicUrl}/v1/agent/bootstrap`,
      note: 'A sponsor with keys:manage makes a token; a machine exchanges it for a key, once.',
    },
    capabilitiesSummary: { tools: [], resourceTemplates: [] },
  };
}
