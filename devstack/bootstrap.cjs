'use strict';
// Runs before anything is installed: plain JavaScript, no dependencies. Installs, builds, then runs the command asked for.
const { spawnSync, spawn } = require('node:child_process');
const { createHash } = require('node:crypto');
const {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '..');
const [command = 'start', ...rest] = process.argv.slice(2);

const COMMANDS = {
  start: { run: () => node('dist/devstack/start.js', rest) },
  stop: { run: () => node('dist/devstack/stop.js', rest) },
  test: { run: () => node('node_modules/jest/bin/jest.js', rest) },
  temporal: { run: () => node('dist/devstack/temporal-cli.js', rest) },
  bench: { run: () => node('dist/bench/main.js', rest) },
  prove: { run: () => node('dist/prove/main.js', rest) },
};

main();

function main() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    fail(`Node 20.19 or newer is needed; this is ${process.version}.`);
  }
  const chosen = COMMANDS[command];
  if (!chosen) fail(`Unknown command ${command}. One of: ${Object.keys(COMMANDS).join(', ')}.`);
  if (!(command === 'stop' && existsSync(join(root, 'dist', 'devstack', 'stop.js')))) {
    install();
    build();
  }
  chosen.run();
}

function install() {
  const lock = hashOf(join(root, 'package-lock.json'));
  const stamp = join(root, 'node_modules', '.lock-hash');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  step('Installing packages (npm ci)');
  must('npm', ['ci', '--no-audit', '--no-fund']);
  writeFileSync(stamp, lock);
}

function build() {
  const stamp = join(root, 'dist', '.built');
  if (existsSync(stamp) && statSync(stamp).mtimeMs > newestSource(root)) return;
  step('Building');
  must(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']);
  must(process.execPath, ['dist/worker/bundle-workflows.js']);
  mkdirSync(join(root, 'dist'), { recursive: true });
  writeFileSync(stamp, '');
}

function newestSource(folder) {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (['node_modules', 'dist', '.git', '.local', 'coverage'].includes(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) newest = Math.max(newest, newestSource(path));
    else if (/\.(ts|json)$/.test(entry.name)) newest = Math.max(newest, statSync(path).mtimeMs);
  }
  return newest;
}

function hashOf(file) {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

function must(program, args) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: 'inherit' });
  if (error || status !== 0)
    fail(`${program} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}.`);
}

function node(script, args) {
  const child = spawn(process.execPath, ['--enable-source-maps', join(root, script), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  // Ctrl-C in a terminal reaches the child by itself too; it takes both for one.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => child.kill(signal));
  }
  child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
}

function step(text) {
  console.log(`\u25b8 ${text} …`);
}

function fail(text) {
  console.error(text);
  process.exit(1);
}
