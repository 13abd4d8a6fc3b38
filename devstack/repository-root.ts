import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The checkout, from the sources and from dist/ alike. */
export function repositoryRoot(): string {
  const above = join(__dirname, '..');
  return existsSync(join(above, 'package.json')) ? above : join(above, '..');
}
