import { createHmac } from 'node:crypto';
import { Webhook as Standard } from 'standardwebhooks';
import { Webhook as Svix } from 'svix';
import { newSigningSecret, signDelivery } from '../../platform/signature';

const body = Buffer.from('{"n":1,"text":"Ärger"}');
const eventId = 'evt_0123';
const timestampSeconds = Math.floor(Date.now() / 1_000);
const legacy = (secret: string) => createHmac('sha256', secret).update(body).digest('hex');

describe('signing a delivery', () => {
  it('makes secrets of 32 bytes that differ', () => {
    const [a, b] = [newSigningSecret(), newSigningSecret()];
    expect(a).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(a).not.toBe(b);
  });

  it('verifies with both public implementations and the legacy scheme', () => {
    const current = newSigningSecret();
    const headers = { ...signDelivery({ secrets: { current }, eventId, timestampSeconds, body }) };
    expect(new Standard(current).verify(body.toString(), headers)).toMatchObject({ n: 1 });
    expect(new Svix(current).verify(body.toString(), headers)).toMatchObject({ n: 1 });
    expect(headers['secapi-signature']).toBe(legacy(current));
    expect(() => new Standard(newSigningSecret()).verify(body.toString(), headers)).toThrow();
  });

  it('signs with both secrets in an overlap, and by the legacy scheme with the old one only', () => {
    const [current, previous] = [newSigningSecret(), newSigningSecret()];
    const secrets = { current, previous };
    const headers = { ...signDelivery({ secrets, eventId, timestampSeconds, body }) };
    for (const secret of [current, previous]) {
      new Standard(secret).verify(body.toString(), headers);
      new Svix(secret).verify(body.toString(), headers);
    }
    expect(headers['secapi-signature']).toBe(legacy(previous));
  });
});
