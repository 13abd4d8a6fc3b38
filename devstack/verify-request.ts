import { createHmac } from 'node:crypto';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import type { ReceivedRequest } from './receiver';

/** The secrets that a receiver holds: the newest first, in an overlap the old one after it. */
export type HeldSecrets = readonly [string, ...string[]];

/**
 * Checks a request as a customer would, with the published libraries and a plain HMAC, and answers every complaint;
 * none means that it verifies. By the standard header each held secret must verify, and nothing else may have signed;
 * by the legacy header the oldest held one does.
 */
export function complaintsOf(request: ReceivedRequest, secrets: HeldSecrets): string[] {
  const { body, headers } = request;
  const id = headers['webhook-id'] ?? '';
  const at = new Date(Number(headers['webhook-timestamp']) * 1_000);
  const given = (headers['webhook-signature'] ?? '').split(' ').sort();
  const complaints: string[] = [];
  const expect = (what: string, holds: boolean): void => {
    if (!holds) complaints.push(`${what} does not verify (${id}, ${request.path})`);
  };
  const by = (sign: (secret: string) => string): boolean => same(given, secrets.map(sign).sort());
  expect(
    'standardwebhooks',
    by((secret) => new StandardWebhook(secret).sign(id, at, body)),
  );
  expect(
    'svix',
    by((secret) => new SvixWebhook(secret).sign(id, at, body)),
  );
  const legacyKey = secrets[secrets.length - 1] ?? '';
  const legacy = createHmac('sha256', legacyKey).update(body).digest('hex');
  expect('the legacy signature', headers['secapi-signature'] === legacy);
  expect('webhook-id', (JSON.parse(body) as { id: string }).id === id);
  return complaints;
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
