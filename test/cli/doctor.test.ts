import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { databaseChecks } from '../../cli/checks/database';
import { machineChecks } from '../../cli/checks/machine';
import { report } from '../../cli/doctor';
import { examine, type Diagnosis } from '../../cli/examine';
import { freePort } from '../../devstack/ports';
import { HOUR_MS } from '../../platform/clock';
import { newSecretsKey } from '../../platform/config';
import { freshDatabase, type TestDatabase } from '../support/database';
import { startProduct, type Product } from '../support/product';
import { openSandbox } from '../support/sandbox';
import { until } from '../support/until';

const of = (findings: readonly Diagnosis[], check: string): Diagnosis[] =>
  findings.filter((finding) => finding.check === check);
const faults = (findings: readonly Diagnosis[]): string[] =>
  findings.filter(({ level }) => level === 'fault').map(({ check }) => check);

describe('the doctor, where parts are down', () => {
  it('says which do not answer and how to mend each, and looks at the rest', async () => {
    const findings = await examine({
      DATABASE_URL: `postgres://x:y@127.0.0.1:${await freePort()}/z`,
      TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}`,
      PUBLIC_URL: `http://127.0.0.1:${await freePort()}`,
      SECRETS_KEY: newSecretsKey(),
    });
    expect(faults(findings)).toEqual(['database', 'temporal', 'api']);
    expect(of(findings, 'database')[0]?.says).toContain('ECONNREFUSED');
    expect(of(findings, 'disk')).toHaveLength(1);
    for (const { level, mend } of findings) if (level !== 'ok') expect(mend).toBeTruthy();
    expect(report(findings)).toMatch(/✗ database .*\n +→ Start it/);
  }, 60_000);

  it('names every bad setting, with what it is for', async () => {
    const findings = await examine({ PORT: 'x', CATALOG_PATH: '/nowhere.json' });
    const [environment] = of(findings, 'environment');
    for (const name of ['DATABASE_URL', 'SECRETS_KEY', 'PORT', 'CATALOG_PATH'])
      expect(environment?.says).toContain(name);
  }, 60_000);

  it('warns of settings that contradict each other', async () => {
    const findings = await examine({
      DATABASE_URL: 'postgres://x:y@127.0.0.1:1/z',
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      SECRETS_KEY: `${newSecretsKey()},${newSecretsKey()}`,
      PUBLIC_URL: 'http://api.invalid',
      ALLOW_PRIVATE_DESTINATIONS: 'true',
      STRIPE_SECRET_KEY: 'sk_test_x',
      STRIPE_API_URL: 'http://127.0.0.1:1',
    });
    const said = of(findings, 'settings').map(({ level }) => level);
    expect(said.filter((level) => level === 'fault')).toHaveLength(2);
    expect(said.filter((level) => level === 'warning')).toHaveLength(3);
    expect(of(findings, 'stripe')[0]?.level).toBe('fault');
  }, 60_000);

  it('knows keys of Stripe by their form, and what production must not be given', async () => {
    const findings = await examine({
      DATABASE_URL: 'postgres://x:y@127.0.0.1:1/z',
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      SECRETS_KEY: newSecretsKey(),
      ENVIRONMENT: 'production',
      ALLOW_PRIVATE_DESTINATIONS: 'true',
      STRIPE_SECRET_KEY: 'pk_live_x',
      STRIPE_PUBLISHABLE_KEY: 'sk_live_x',
      STRIPE_WEBHOOK_SECRET: 'secret',
      STRIPE_API_URL: 'http://127.0.0.1:1',
    });
    const said = of(findings, 'settings').map(({ says }) => says);
    for (const name of ['STRIPE_SECRET_KEY', 'STRIPE_PUBLISHABLE_KEY', 'STRIPE_WEBHOOK_SECRET'])
      expect(said.filter((line) => line.startsWith(`${name} has not the form`))).toHaveLength(1);
    expect(said.join()).toContain('webhooks may go to private addresses');
    expect(said.join()).toContain('PUBLIC_URL is this machine’s own address');
    expect(said.join()).not.toMatch(/pk_live_x|sk_live_x/);
  }, 60_000);
});

describe('the doctor, before a folder for artifacts', () => {
  const at = async (folder: string): Promise<Diagnosis | undefined> => {
    const env = {
      DATABASE_URL: 'postgres://x:y@127.0.0.1:1/z',
      SECRETS_KEY: newSecretsKey(),
      ARTIFACTS_FOLDER: folder,
    };
    return (await examine(env, machineChecks)).find(({ check }) => check === 'artifacts folder');
  };
  const folder = mkdtempSync(join(tmpdir(), 'secapi-doctor-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('says how much room there is, and leaves nothing in it', async () => {
    expect((await at(folder))?.says).toMatch(/^\d+ % of ARTIFACTS_FOLDER .* is free \(\d+ GiB\)$/);
    expect(readdirSync(folder)).toEqual([]);
  }, 60_000);

  it('finds one that is missing, that is a file, that nobody can write', async () => {
    expect(await at(join(folder, 'gone'))).toMatchObject({
      level: 'warning',
      says: expect.stringContaining('does not exist') as string,
    });
    expect(await at(__filename)).toMatchObject({ level: 'fault' });
    expect(await at('/proc')).toMatchObject({
      level: 'fault',
      says: expect.stringContaining('can’t be written') as string,
    });
  }, 60_000);
});

describe('the doctor, before a database', () => {
  let database: TestDatabase;
  const at = (url: string) =>
    examine({
      DATABASE_URL: url,
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      SECRETS_KEY: newSecretsKey(),
    });
  beforeEach(async () => {
    database = await freshDatabase();
  });
  afterEach(() => database.close());

  it('finds that no worker lives, that work is stuck, and a secret that no key opens', async () => {
    const sandbox = await openSandbox({ now: () => new Date(Date.now() - 600_000) });
    await sandbox.newEndpoint('https://example.com/');
    await sandbox.publish();
    await sandbox.db.query(
      `INSERT INTO outbox (kind, ref, due_at, created_at, last_error)
       VALUES ('wake_approval', 'bap_x', now() - interval '5 min', now(), 'Temporal is away')`,
    );
    await sandbox.db.query(
      `INSERT INTO budget_approvals (id, org_id, period, budget_seq, ceiling_micros, status, threshold_cents,
         accrued_micros, requested_by, request_id, created_at, expires_at)
       VALUES ('bap_x', $1, '2026-01', 0, 1, 'pending', 1, 1, 'x', 'req_x', now(), now() - interval '1 h')`,
      [sandbox.orgId],
    );
    const findings = await at(sandbox.url);
    expect(faults(findings)).toEqual(
      expect.arrayContaining([
        'workers',
        'outbox',
        'deliveries',
        'approvals, checkouts, mails',
        'sealed secrets',
      ]),
    );
    expect(of(findings, 'outbox')[0]?.says).toMatch(/5 min .*Temporal is away/);
    expect(of(findings, 'sealed secrets')[0]?.says).toContain('SECRETS_KEY does not list');
    await sandbox.close();
  }, 60_000);

  it('tells a Postgres that refuses from one that is away, and from none that is named', async () => {
    const [refused] = of(await at(`${database.url}_gone`), 'database');
    expect(refused?.says).toContain('Postgres answers, and refuses us: database');
    const [unnamed] = of(await at(''), 'database');
    expect(unnamed?.mend).toBe('See `environment`.');
  }, 60_000);

  it('finds a migration that is missing, and one of a newer version', async () => {
    await database.db.query(
      `DELETE FROM migrations WHERE name = (SELECT max(name) FROM migrations)`,
    );
    const [missing] = of(await at(database.url), 'migrations');
    expect(missing).toMatchObject({ level: 'fault', mend: 'Run `npm run migrate`.' });
    await database.db.query(`INSERT INTO migrations (timestamp, name) VALUES (2, 'Later2')`);
    const [newer] = of(await at(database.url), 'migrations');
    expect(newer?.says).toContain('Later2');
  }, 60_000);

  it('finds a clock that differs from the database’s, and by how much', async () => {
    const patientAt = (aheadMs: number) => ({
      config: null,
      configFaults: null,
      db: database.db,
      dbFault: null,
      isMigrated: true,
      temporal: null,
      temporalFault: null,
      now: () => new Date(Date.now() + aheadMs),
    });
    const clock = databaseChecks.find(({ name }) => name === 'clock');
    expect(await clock?.run(patientAt(HOUR_MS))).toMatchObject([
      { level: 'fault', says: expect.stringMatching(/clock is 3[56]\d{5} ms behind/) as string },
    ]);
    expect(await clock?.run(patientAt(-HOUR_MS))).toMatchObject([
      { level: 'fault', says: expect.stringMatching(/clock is 3[56]\d{5} ms ahead of/) as string },
    ]);
  });

  it('finds rows whose transaction ids came from a dump', async () => {
    const sandbox = await openSandbox({ now: () => new Date() });
    await sandbox.publish();
    await sandbox.db.query(`UPDATE events SET xid = '99999999999'`);
    const [found] = of(await at(sandbox.url), 'database settings').filter(({ says }) =>
      says.includes('dump'),
    );
    expect(found?.mend).toContain('npm run restored');
    await sandbox.close();
  }, 60_000);
});

describe('the doctor, before a stack that is well', () => {
  let product: Product;
  beforeAll(async () => {
    product = await startProduct();
  }, 60_000);
  afterAll(() => product.close(), 60_000);

  it('finds no fault', async () => {
    const { config } = product.api;
    const env = {
      DATABASE_URL: config.DATABASE_URL,
      SECRETS_KEY: config.SECRETS_KEY.map((key) => key.toString('base64')).join(','),
      TEMPORAL_ADDRESS: product.temporal.address,
      PUBLIC_URL: product.api.url,
      MAIL_FOLDER: '/tmp',
    };
    const findings = await until(
      () => examine(env),
      (all) => faults(all).filter((check) => check !== 'database settings').length === 0,
      45_000,
    );
    expect(of(findings, 'schedules')[0]?.says).toContain('pruneRecords');
    expect(of(findings, 'task queues')[0]?.level).toBe('ok');
    expect(of(findings, 'workers')[0]?.says).toBe('1 worker(s), 1 with Temporal');
    expect(of(findings, 'database settings')[0]?.says).toMatch(/off: a crash loses/);
  }, 60_000);
});
