import { join } from 'node:path';
import { newSecretsKey, readConfig, type Config } from '../../platform/config';

/** A configuration for tests: quiet, loopback destinations allowed; anything can be set otherwise. */
export function testConfig(databaseUrl: string, more: Record<string, string> = {}): Config {
  return readConfig({
    DATABASE_URL: databaseUrl,
    SECRETS_KEY: newSecretsKey(),
    ALLOW_PRIVATE_DESTINATIONS: 'true',
    LOG_LEVEL: 'silent',
    PORT: '0',
    WORKER_PORT: '0',
    ARTIFACTS_FOLDER: join(process.env['TEST_FOLDER'] ?? '', `artifacts-${process.pid}`),
    ...more,
  });
}
