import { createHmac, randomBytes } from 'node:crypto';

const PREFIX = 'whsec_';

/** A new signing secret: `whsec_` and the base64 of 32 random bytes. */
export function newSigningSecret(): string {
  return PREFIX + randomBytes(32).toString('base64');
}

export interface SignatureInput {
  /** In a rotation's overlap `previous` is the old secret. */
  readonly secrets: { readonly current: string; readonly previous?: string };
  readonly eventId: string;
  readonly timestampSeconds: number;
  readonly body: Buffer;
}

export interface SignatureHeaders {
  /** The legacy scheme: hex HMAC-SHA256 of the body, keyed by the whole secret as text; in an overlap by the old one. */
  readonly 'secapi-signature': string;
  readonly 'webhook-id': string;
  readonly 'webhook-timestamp': string;
  /** Standard Webhooks: `v1,` and base64 HMAC-SHA256 of `id.timestamp.body`, keyed by the decoded bytes; two in an overlap. */
  readonly 'webhook-signature': string;
}

/** The signature headers of one attempt, by both schemes. */
export function signDelivery({
  secrets,
  eventId,
  timestampSeconds,
  body,
}: SignatureInput): SignatureHeaders {
  const { current, previous } = secrets;
  const head = `${eventId}.${timestampSeconds}.`;
  const standard = [current, ...(previous === undefined ? [] : [previous])].map((secret) => {
    const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
    return `v1,${createHmac('sha256', key).update(head).update(body).digest('base64')}`;
  });
  return {
    'secapi-signature': createHmac('sha256', previous ?? current)
      .update(body)
      .digest('hex'),
    'webhook-id': eventId,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': standard.join(' '),
  };
}
