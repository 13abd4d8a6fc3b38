import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../entities/migrate';
import { freePort } from '../../devstack/ports';
import {
  ensureDatabase,
  initPostgres,
  postgresUrl,
  spawnPostgres,
  waitForPostgres,
} from '../../devstack/postgres';
import { resolveTemporal, resolveTestServer } from '../../devstack/temporal';
import { bundleWorkflows } from '../../worker/bundle-workflows';

export const TEMPLATE = 'template_secapi';

/** Once a run: a Postgres with a migrated template, the workflows' bundle, and the Temporal servers tests start. */
export default async function globalSetup(): Promise<void> {
  const say = (text: string): void => console.log(`▸ ${text}`);
  const folder = mkdtempSync(join(tmpdir(), 'secapi-test-'));
  chmodSync(folder, 0o755);
  const postgres = { dataDir: join(folder, 'postgres'), port: await freePort(), durable: false };
  await initPostgres(postgres);
  const server = spawnPostgres(postgres, 'ignore');
  await waitForPostgres(postgres.port);
  await ensureDatabase(postgres.port, TEMPLATE);
  await migrate(postgresUrl(postgres.port, TEMPLATE));
  const bundle = join(folder, 'workflow-bundle.js');
  await bundleWorkflows(bundle);
  const classpath = resolveTestServer(say);
  const testServer = join(folder, 'temporal-test-server');
  writeFileSync(
    testServer,
    `#!/bin/sh\nexec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$(cat '${classpath}')" io.temporal.testserver.TestServer "$@"\n`,
    { mode: 0o755 },
  );
  process.env['TEST_FOLDER'] = folder;
  process.env['TEST_POSTGRES_PORT'] = String(postgres.port);
  process.env['TEST_WORKFLOW_BUNDLE'] = bundle;
  process.env['TEST_TEMPORAL_TEST_SERVER'] = testServer;
  process.env['TEST_TEMPORAL_BINARY'] = await resolveTemporal(say);
  Object.assign(globalThis, { secapiTest: { server, folder } });
}
