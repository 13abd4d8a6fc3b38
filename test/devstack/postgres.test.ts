import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { postgresDataDir, postgresLocalUrl } from '../../devstack/postgres';

describe('where the dev stack keeps its Postgres data', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'secapi-home-'));
    mkdirSync(join(home, 'checkout'));
  });
  afterEach(() => rmSync(home, { recursive: true }));

  it('is inside its folder where the user that runs Postgres can reach it', () => {
    chmodSync(home, 0o755);
    const folder = join(home, 'checkout');
    expect(postgresDataDir(folder, true)).toBe(join(folder, 'postgres'));
  });

  it('is outside of a home that only root may enter, one place a checkout', () => {
    chmodSync(home, 0o700);
    const there = postgresDataDir(join(home, 'checkout'), true);
    expect(there).toMatch(/^\/var\/lib\/secapi-enterprise\/[0-9a-f]{16}\/postgres$/);
    expect(postgresDataDir(home, true)).not.toBe(there);
    expect(postgresDataDir(join(home, 'checkout'), false)).toBe(join(home, 'checkout', 'postgres'));
  });
});

describe('how the dev stack’s own processes reach its Postgres', () => {
  const at = (dataDir: string): string =>
    postgresLocalUrl({ dataDir, port: 5432, durable: true }, 'secapi');

  it('is a Unix socket in the data directory, in a URL that names the TCP address too', () => {
    expect(at('/srv/a b/postgres')).toBe(
      'postgres://postgres:postgres@127.0.0.1:5432/secapi?host=%2Fsrv%2Fa%20b%2Fpostgres',
    );
  });

  it('is TCP where the path is too long for a socket', () => {
    expect(at(`/srv/${'x'.repeat(90)}/postgres`)).toBe(
      'postgres://postgres:postgres@127.0.0.1:5432/secapi',
    );
  });
});
