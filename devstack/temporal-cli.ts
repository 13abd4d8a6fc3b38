import { spawnSync } from 'node:child_process';
import { readStackFile } from './stack-file';
import { resolveTemporal } from './temporal';

/** `npm run temporal -- …`: the Temporal CLI against the running stack. */
async function main(): Promise<void> {
  const stack = readStackFile();
  const address = process.env['TEMPORAL_ADDRESS'] ?? stack?.temporalAddress ?? '127.0.0.1:7233';
  const namespace = process.env['TEMPORAL_NAMESPACE'] ?? stack?.temporalNamespace ?? 'secapi';
  const binary = await resolveTemporal((text) => console.error(`▸ ${text}`));
  const args = [...process.argv.slice(2), '--address', address, '--namespace', namespace];
  process.exit(spawnSync(binary, args, { stdio: 'inherit' }).status ?? 1);
}

void main();
