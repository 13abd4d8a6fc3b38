import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { transformSync, type Options } from '@swc/core';
import { repositoryRoot } from '../../devstack/repository-root';

/** As jest.config.js has it. */
const COMPILED: Options = {
  jsc: {
    target: 'es2022',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, useDefineForClassFields: false },
    keepClassNames: true,
  },
  module: { type: 'commonjs', ignoreDynamic: true },
};
const NOT_BUILT = ['node_modules', 'dist', 'test', 'coverage', 'docs', 'tools'];

/** A built copy of this checkout in a temporary folder with a space in its name, where a dev stack can live alone. */
export interface Checkout {
  readonly root: string;
  remove(): void;
}

export function makeCheckout(): Checkout {
  const from = repositoryRoot();
  const above = mkdtempSync(join(realpathSync(tmpdir()), 'secapi-checkout-'));
  chmodSync(above, 0o755);
  const root = join(above, 'my checkout');
  for (const folder of ['dist', 'node_modules', 'devstack']) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  for (const file of ['package.json', 'package-lock.json']) {
    copyFileSync(join(from, file), join(root, file));
  }
  copyFileSync(join(from, 'devstack/bootstrap.cjs'), join(root, 'devstack/bootstrap.cjs'));
  cpSync(join(from, 'tools'), join(root, 'tools'), { recursive: true });
  for (const name of readdirSync(join(from, 'node_modules'))) {
    if (name.startsWith('.')) continue;
    symlinkSync(join(from, 'node_modules', name), join(root, 'node_modules', name));
  }
  const lock = readFileSync(join(root, 'package-lock.json'));
  const hash = createHash('sha256').update(lock).digest('hex');
  writeFileSync(join(root, 'node_modules', '.lock-hash'), hash);
  build(from, join(root, 'dist'));
  return {
    root,
    remove: () => rmSync(above, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }),
  };
}

/** As `npm run build` does, with the compiler of the tests, which takes a second. */
function build(from: string, dist: string): void {
  for (const room of readdirSync(from, { withFileTypes: true })) {
    if (!room.isDirectory() || room.name.startsWith('.') || NOT_BUILT.includes(room.name)) continue;
    for (const name of readdirSync(join(from, room.name), { recursive: true, encoding: 'utf8' })) {
      const source = join(from, room.name, name);
      const target = join(dist, room.name, name);
      if (!/\.(ts|json)$/.test(name)) continue;
      mkdirSync(dirname(target), { recursive: true });
      if (name.endsWith('.json')) copyFileSync(source, target);
      else {
        const { code } = transformSync(readFileSync(source, 'utf8'), {
          ...COMPILED,
          filename: source,
        });
        writeFileSync(target.replace(/\.ts$/, '.js'), code);
      }
    }
  }
  copyFileSync(process.env['TEST_WORKFLOW_BUNDLE'] ?? '', join(dist, 'workflow-bundle.js'));
  writeFileSync(join(dist, '.built'), '');
}
