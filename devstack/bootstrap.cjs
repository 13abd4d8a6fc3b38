'use strict';
// Runs before anything is installed: plain JavaScript, no dependencies. Installs, builds, then runs the command asked for.
// A start tells of itself from its first moment on (.local/starting.<pid>), so that a stop finds it installing.
const { spawnSync, spawn } = require('node:child_process');
const { createHash } = require('node:crypto');
const {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '..');
const [command = 'start', ...rest] = process.argv.slice(2);

const local = join(root, '.local');
const STARTING = /^starting\.(\d+)$/;
let running = null;

const COMMANDS = {
  start: { run: () => node('dist/devstack/start.js', rest) },
  stop: { run: (args) => node('dist/devstack/stop.js', args) },
  test: { run: () => node('node_modules/jest/bin/jest.js', rest) },
  temporal: { run: () => node('dist/devstack/temporal-cli.js', rest) },
  bench: { run: () => node('dist/bench/main.js', rest) },
  prove: { run: () => node('dist/prove/main.js', rest) },
};

void main();

async function main() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    fail(`Node 20.19 or newer is needed; this is ${process.version}.`);
  }
  const chosen = COMMANDS[command];
  if (!chosen) fail(`Unknown command ${command}. One of: ${Object.keys(COMMANDS).join(', ')}.`);
  // Ctrl-C in a terminal reaches the child by itself too; it takes both for one.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => (running ? running.kill(signal) : process.exit(1)));
  }
  if (command === 'start') tellOfStart();
  const ended = command === 'stop' && (await endStarts());
  const isBuilt = existsSync(join(root, 'dist', 'devstack', 'stop.js'));
  if (command === 'stop' && !isBuilt && !existsSync(join(local, 'processes.json'))) {
    console.log(ended ? 'Stopped.' : 'Nothing was running.');
    return;
  }
  if (command !== 'stop' || !isBuilt) {
    await install();
    await build();
  }
  chosen.run(ended ? ['--ended-a-start'] : rest);
}

function tellOfStart() {
  mkdirSync(local, { recursive: true });
  const own = join(local, `starting.${process.pid}`);
  writeFileSync(own, '');
  process.on('exit', () => rmSync(own, { force: true }));
}

/** Ends every start of this folder, whether it installs, builds or runs, and waits for it. False: there was none. */
async function endStarts() {
  let found = false;
  for (const name of existsSync(local) ? readdirSync(local) : []) {
    const pid = Number(STARTING.exec(name)?.[1]);
    if (!pid) continue;
    if (isStart(pid)) {
      found = true;
      process.kill(pid, 'SIGTERM');
      while (isStart(pid)) await new Promise((resolve) => setTimeout(resolve, 100));
    }
    rmSync(join(local, name), { force: true });
  }
  return found;
}

function isStart(pid) {
  const words = commandOf(pid);
  return pid !== process.pid && words.includes('bootstrap.cjs') && words.includes('start');
}

function commandOf(pid) {
  if (!existsSync('/proc/self/cmdline')) {
    return spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout;
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

async function install() {
  const lock = hashOf(join(root, 'package-lock.json'));
  const stamp = join(root, 'node_modules', '.lock-hash');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  step('Installing packages (npm ci)');
  await must('npm', ['ci', '--no-audit', '--no-fund']);
  writeFileSync(stamp, lock);
}

async function build() {
  const stamp = join(root, 'dist', '.built');
  if (existsSync(stamp) && statSync(stamp).mtimeMs > newestSource(root)) return;
  step('Building');
  await must(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']);
  await must(process.execPath, ['dist/worker/bundle-workflows.js']);
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

async function must(program, args) {
  const said = `${program} ${args.join(' ')} failed`;
  running = spawn(program, args, { cwd: root, stdio: 'inherit' });
  const [code, signal] = await new Promise((resolve) => {
    running.once('error', (error) => fail(`${said}: ${error.message}.`));
    running.once('exit', (...how) => resolve(how));
  });
  running = null;
  if (signal) process.exit(1);
  if (code !== 0) fail(`${said}.`);
}

function node(script, args) {
  running = spawn(process.execPath, ['--enable-source-maps', join(root, script), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  running.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
}

function step(text) {
  console.log(`\u25b8 ${text} …`);
}

function fail(text) {
  console.error(text);
  process.exit(1);
}
