import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { repositoryRoot } from '../../devstack/repository-root';
import { readConfig, SETTINGS } from '../../platform/config';

interface Service {
  readonly command?: string | string[];
  readonly environment?: Record<string, string>;
  readonly ports?: string[];
  readonly volumes?: string[];
  readonly depends_on?: Record<string, { condition: string }>;
  readonly image?: string;
  readonly stop_grace_period?: string;
  readonly healthcheck?: { test: string[] };
  readonly env_file?: { path: string; required: boolean }[];
}

const read = (file: string): string => readFileSync(join(repositoryRoot(), file), 'utf8');
const { services, volumes } = parse(read('docker-compose.yml'), { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};
const scripts = (JSON.parse(read('package.json')) as { scripts: Record<string, string> }).scripts;
const settings: Record<string, { describe: string; default?: string }> = SETTINGS;
const ours = ['api', 'worker', 'migrate'];

/** What compose hands a service, with the variables of the host's .env filled in. */
function environmentOf(name: string): Record<string, string> {
  const given = { SECRETS_KEY: Buffer.alloc(32).toString('base64') } as Record<string, string>;
  return Object.fromEntries(
    Object.entries(services[name]?.environment ?? {}).map(([key, value]) => [
      key,
      value.replace(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_, variable: string, sign, fallback) =>
        String(given[variable] ?? (sign === '-' ? fallback : '')),
      ),
    ]),
  );
}

describe('docker-compose.yml', () => {
  it.each(ours)('gives %s only variables that the configuration knows', (name) => {
    expect(Object.keys(settings)).toEqual(
      expect.arrayContaining(Object.keys(services[name]?.environment ?? {})),
    );
  });

  it.each(['api', 'worker'])('gives %s the time to finish what is in flight', (name) => {
    expect(services[name]?.stop_grace_period).toBe('45s');
  });

  it.each(['api', 'worker'])('gives %s an environment that starts', (name) => {
    const config = readConfig(environmentOf(name));
    expect(config.HOST).toBe('0.0.0.0');
    expect(config.DATABASE_URL).toContain('@postgres:5432/');
    expect(config.TEMPORAL_ADDRESS).toBe('temporal:7233');
  });

  it.each(ours)('hands %s what else .env sets', (name) => {
    expect(services[name]?.env_file).toEqual([{ path: '.env', required: false }]);
  });

  it.each(ours)('runs %s by the script of the same name', (name) => {
    expect(services[name]?.command).toEqual(['npm', 'run', name]);
    expect(scripts).toHaveProperty(name);
  });

  it('publishes the API on the port it listens on, to this machine alone', () => {
    const { PORT } = environmentOf('api');
    expect(services['api']?.ports).toEqual([`127.0.0.1:${PORT}:${PORT}`]);
  });

  it('asks each process for its health where it answers', () => {
    const { PORT, WORKER_PORT } = environmentOf('api');
    expect(services['api']?.healthcheck?.test.join(' ')).toContain(`127.0.0.1:${PORT}/readyz`);
    expect(services['worker']?.healthcheck?.test.join(' ')).toContain(
      `127.0.0.1:${WORKER_PORT}/healthz`,
    );
  });

  it('starts API and worker after the migration, and nothing before what it needs', () => {
    for (const name of ['api', 'worker']) {
      const { condition } = services[name]?.depends_on?.['migrate'] ?? {};
      expect(condition).toBe('service_completed_successfully');
    }
    for (const service of Object.values(services)) {
      expect(Object.keys(services)).toEqual(
        expect.arrayContaining(Object.keys(service.depends_on ?? {})),
      );
    }
  });

  it('keeps Temporal’s state in a Postgres of its own, both in named volumes', () => {
    expect(services['temporal']?.environment?.['POSTGRES_SEEDS']).toBe('temporal-postgres');
    expect(Object.keys(volumes)).toEqual(expect.arrayContaining(['postgres', 'temporal-postgres']));
  });

  it('gives API and worker one volume for exported files', () => {
    const volume = `artifacts:${environmentOf('api')['ARTIFACTS_FOLDER']}`;
    for (const name of ['api', 'worker']) {
      expect(environmentOf(name)['ARTIFACTS_FOLDER']).toBe('/app/artifacts');
      expect(services[name]?.volumes).toEqual([volume]);
    }
    expect(Object.keys(volumes)).toContain('artifacts');
  });

  it('pins the Temporal that the dev stack builds', () => {
    const built = /go\.temporal\.io\/server v([\d.]+)/.exec(read('tools/temporal/go.mod'))?.[1];
    expect(services['temporal']?.image).toBe(`temporalio/server:${built}`);
  });
});

describe('the Dockerfile', () => {
  const [build = '', image = ''] = read('Dockerfile')
    .split(/^FROM .*$/m)
    .slice(1);

  it('runs as nobody special, on what was built and production’s packages alone', () => {
    expect(image).toMatch(/^USER node$/m);
    expect(image).toMatch(/COPY --from=build \/app\/dist/);
    expect(image).not.toMatch(/npm ci|COPY \. /);
    expect(build.indexOf('npm prune --omit=dev')).toBeGreaterThan(build.indexOf('npm run build'));
  });

  it('starts the API unless told otherwise, by a script that there is', () => {
    const [, script = ''] = /^CMD \["npm", "run", "(\w+)"\]$/m.exec(image) ?? [];
    expect(scripts).toHaveProperty(script);
  });

  it('takes no secret and nothing of this machine into the build', () => {
    const ignored = read('.dockerignore').trim().split('\n');
    expect(ignored).toEqual(
      expect.arrayContaining(['.env', '.local', '.git', 'node_modules', 'dist']),
    );
  });
});

describe('.env.example', () => {
  it('lists every setting with its meaning and default', () => {
    const expected = Object.entries(settings).map(([name, setting]) =>
      setting.default === undefined
        ? `# ${setting.describe}\n${name}=`
        : `# ${setting.describe}\n# ${name}=${setting.default}`,
    );
    const [, ...entries] = read('.env.example').trim().split('\n\n');
    expect(entries).toEqual(expected);
  });
});
