import { isKeySecret, keyPrefixOf, newKeySecret } from '../../entities/api-key';

describe('a key’s secret', () => {
  it('tells its mode, shows its first 20 characters, and carries a checksum', () => {
    const secret = newKeySecret(true);
    expect(secret).toMatch(/^secapi_live_[0-9A-Za-z]{38}$/);
    expect(newKeySecret(false)).toMatch(/^secapi_test_/);
    expect(keyPrefixOf(secret)).toBe(secret.slice(0, 20));
    expect(isKeySecret(secret)).toBe(true);
  });

  it('is recognised as no key once a character is changed', () => {
    const secret = newKeySecret(true);
    for (let i = 12; i < secret.length; i++) {
      const other = secret[i] === 'a' ? 'b' : 'a';
      expect(isKeySecret(secret.slice(0, i) + other + secret.slice(i + 1))).toBe(false);
    }
  });
});
