import Stripe from 'stripe';

const TIMEOUT_MS = 10_000;

/** Stripe's own client. `apiUrl` names another server that speaks its API (the dev stack's), or is ''. */
export function createStripeClient(secretKey: string, apiUrl: string): Stripe {
  return new Stripe(secretKey, {
    maxNetworkRetries: 1,
    timeout: TIMEOUT_MS,
    telemetry: false,
    ...hostOf(apiUrl),
  });
}

/** Whether a key is one of Stripe's live mode: what it makes and is told is live too. */
export const isLiveKey = (secretKey: string): boolean => /^[sr]k_live_/.test(secretKey);

function hostOf(apiUrl: string) {
  if (apiUrl === '') return {};
  const { protocol, hostname, port } = new URL(apiUrl);
  const isSecure = protocol === 'https:';
  return {
    protocol: isSecure ? ('https' as const) : ('http' as const),
    host: hostname,
    port: Number(port) || (isSecure ? 443 : 80),
  };
}
