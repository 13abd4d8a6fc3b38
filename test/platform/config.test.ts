import { newSecretsKey, readConfig } from '../../platform/config';

const REQUIRED = { DATABASE_URL: 'postgres://x/y', SECRETS_KEY: newSecretsKey() };

describe('reading the environment', () => {
  it('fills in defaults and gives values their type', () => {
    const config = readConfig(REQUIRED);
    expect(config).toMatchObject({ PORT: 8080, ALLOW_PRIVATE_DESTINATIONS: false });
    expect(config.DELIVERY_SCHEDULE_SECONDS).toEqual([30, 120, 600, 3_600, 14_400, 43_200, 86_400]);
    expect(readConfig({ ...REQUIRED, DELIVERY_WORKFLOW_RATE: 'unlimited' })).toMatchObject({
      DELIVERY_WORKFLOW_RATE: Infinity,
    });
  });

  it('names every fault at once', () => {
    const read = () =>
      readConfig({ PORT: '70000', SECRETS_KEY: 'short', DELIVERY_SCHEDULE_SECONDS: '1,x' });
    for (const name of ['DATABASE_URL', 'PORT', 'SECRETS_KEY', 'DELIVERY_SCHEDULE_SECONDS']) {
      expect(read).toThrow(name);
    }
  });
});
