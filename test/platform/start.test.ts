import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { catalogFaults } from '../../catalog/load-catalog';
import { readConfig } from '../../platform/config';

const catalog = join(mkdtempSync(join(tmpdir(), 'secapi-start-')), 'catalog.json');
writeFileSync(catalog, '{"plans":[]}');
const bad = { PORT: '70000', SECRETS_KEY: 'short', CATALOG_PATH: catalog, TRUSTED_PROXIES: 'many' };
const FAULTS = [
  'DATABASE_URL is not set',
  'PORT:',
  'SECRETS_KEY:',
  'TRUSTED_PROXIES:',
  'CATALOG_PATH: meterFamilies',
];

describe('a start with a bad environment', () => {
  it('names every fault of the settings and of the catalogue in one list', () => {
    const read = () => readConfig(bad, [({ CATALOG_PATH }) => catalogFaults(CATALOG_PATH)]);
    for (const fault of FAULTS) expect(read).toThrow(fault);
  });
});
