import { createSecretBox } from '../../platform/secret-box';

const [a, b] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];

describe('a secret box', () => {
  it('opens what it sealed, and never seals twice to the same text', () => {
    const box = createSecretBox([a]);
    const sealed = box.seal('whsec_x', 'whe_1');
    expect(box.open(sealed, 'whe_1')).toBe('whsec_x');
    expect(box.seal('whsec_x', 'whe_1')).not.toBe(sealed);
    expect(sealed).not.toContain('whsec_x');
  });

  it('opens what an older key sealed, and refuses a key that is not listed', () => {
    const sealed = createSecretBox([a]).seal('s', 'c');
    expect(createSecretBox([b, a]).open(sealed, 'c')).toBe('s');
    expect(() => createSecretBox([b]).open(sealed, 'c')).toThrow(/SECRETS_KEY/);
  });

  it('refuses another context and an altered text', () => {
    const box = createSecretBox([a]);
    const sealed = box.seal('s', 'whe_1');
    expect(() => box.open(sealed, 'whe_2')).toThrow();
    expect(() => box.open(`${sealed.slice(0, -2)}AA`, 'whe_1')).toThrow();
    expect(() => box.open('nonsense', 'whe_1')).toThrow('not a sealed secret');
  });
});
