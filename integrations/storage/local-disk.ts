import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Storage } from '.';

/** The ending of files that are still being written; no key ends so. */
const PART = '.part';

/** A folder of this machine, or one that machines share. A file appears under its name by rename, once it is on disk. */
export function createLocalDisk(folder: string): Storage {
  const pathOf = (key: string): string => {
    if (!/^[\w-]+(\/[\w-]+)*\.\w+$/.test(key) || key.endsWith(PART)) {
      throw new Error(`${JSON.stringify(key)} is no storage key`);
    }
    return join(folder, key);
  };
  return {
    mode: 'local',
    async put(key, openSource) {
      const path = pathOf(key);
      await mkdir(dirname(path), { recursive: true });
      await removeParts(path);
      const part = `${path}.${randomUUID()}${PART}`;
      try {
        await pipeline(openSource(), createWriteStream(part, { flush: true }));
        await rename(part, path);
      } catch (error) {
        await rm(part, { force: true });
        throw error;
      }
      await syncFolder(dirname(path));
    },
    async get(key, range) {
      const file = await open(pathOf(key)).catch(nullIfMissing);
      return file?.createReadStream({ ...range }) ?? null;
    },
    async stat(key) {
      const found = await stat(pathOf(key)).catch(nullIfMissing);
      return found && { byteLength: found.size };
    },
    remove: (key) => rm(pathOf(key), { force: true }),
  };
}

/** What writers of the same file left behind when they were killed. */
async function removeParts(path: string): Promise<void> {
  const names = await readdir(dirname(path));
  const stale = names.filter(
    (name) => name.startsWith(`${basename(path)}.`) && name.endsWith(PART),
  );
  for (const name of stale) await rm(join(dirname(path), name), { force: true });
}

/** Makes a rename last through a loss of power. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function nullIfMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
