import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { catalogFaults } from '../../catalog/load-catalog';
import { readConfig } from '../../platform/config';
import { listenOn } from '../../platform/listen-on';
import { StartError } from '../../platform/or-exit';

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

describe('a start on a port that another process has', () => {
  it('says so in a sentence, with the setting that names another', async () => {
    const [first, second] = [createServer(), createServer()];
    const at = { host: '127.0.0.1', setting: 'WORKER_PORT' } as const;
    await listenOn(first, { ...at, port: 0 });
    const { port } = first.address() as AddressInfo;
    const refused = listenOn(second, { ...at, port });
    await expect(refused).rejects.toThrow(StartError);
    await expect(refused).rejects.toThrow(
      `Can't listen on 127.0.0.1:${port}: another process has it. Set HOST or WORKER_PORT to another.`,
    );
    first.close();
  });
});
