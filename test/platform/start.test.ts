import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { catalogFaults } from '../../catalog/load-catalog';
import { readConfig } from '../../platform/config';

const folder = mkdtempSync(join(tmpdir(), 'secapi-start-'));
const catalog = join(folder, 'catalog.json');
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
  afterAll(() => rmSync(folder, { recursive: true }));

  it('names every fault of the settings and of the catalogue in one list', () => {
    const read = () => readConfig(bad, [({ CATALOG_PATH }) => catalogFaults(CATALOG_PATH)]);
    for (const fault of FAULTS) expect(read).toThrow(fault);
  });
});
