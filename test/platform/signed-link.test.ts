import { createLinkSigner } from '../../platform/signed-link';

describe('a signed link', () => {
  const links = createLinkSigner([Buffer.alloc(32, 1)], 'test links');
  const token = links.sign('a', 'b');

  it('holds for exactly what was signed', () => {
    expect(links.verify(token, 'a', 'b')).toBe(true);
    expect(links.verify(token, 'a', 'c')).toBe(false);
    expect(links.verify(token, 'ab')).toBe(false);
    expect(createLinkSigner([Buffer.alloc(32, 1)], 'other links').verify(token, 'a', 'b')).toBe(
      false,
    );
  });

  it('is broken by a change of any one character, the last one too, and by one more', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const forged = [...token].flatMap((_, i) =>
      [...alphabet].map((char) => token.slice(0, i) + char + token.slice(i + 1)),
    );
    const accepted = [...forged, `${token}=`, `${token}A`, ` ${token}`].filter((text) =>
      links.verify(text, 'a', 'b'),
    );
    expect(new Set(accepted)).toEqual(new Set([token]));
  });

  it('outlives a rotation of the keys: the first signs, each verifies', () => {
    const rotated = createLinkSigner([Buffer.alloc(32, 2), Buffer.alloc(32, 1)], 'test links');
    expect(rotated.verify(token, 'a', 'b')).toBe(true);
    expect(rotated.sign('a', 'b')).not.toBe(token);
  });
});
