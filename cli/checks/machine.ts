import { mkdtemp, rmdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../platform/message-of';
import { fault, ok, warning, type Check, type Finding } from './check';

const ANSWER_MS = 3_000;

export const machineChecks: readonly Check[] = [
  {
    name: 'disk',
    run: async () => [
      await roomOf(
        '.',
        'this machine’s disk',
        'Free some, or lower RETENTION_DAYS; Postgres stops when its disk is full.',
      ),
    ],
  },
  {
    name: 'artifacts folder',
    needs: ['config'],
    async run({ config }) {
      if (!config) return [];
      const folder = config.ARTIFACTS_FOLDER;
      const isThere = await stat(folder).then(
        (entry) => entry.isDirectory(),
        () => null,
      );
      if (isThere === null)
        return [
          warning(
            `ARTIFACTS_FOLDER (${folder}) does not exist here`,
            'Make it, or mount it: API and workers share this folder, and exported files are lost with it.',
          ),
        ];
      if (!isThere)
        return [
          fault(`ARTIFACTS_FOLDER (${folder}) is no folder`, 'Name a folder that all can write.'),
        ];
      const reason = await refusalToWrite(folder);
      if (reason !== null)
        return [
          fault(
            `ARTIFACTS_FOLDER (${folder}) can’t be written: ${reason}`,
            'Give it to the user that workers run as: exports stay unfinished meanwhile.',
          ),
        ];
      return [
        await roomOf(folder, `ARTIFACTS_FOLDER (${folder})`, 'Free some: exports end as failed.'),
      ];
    },
  },
  {
    name: 'api',
    needs: ['config'],
    async run({ config }) {
      if (!config) return [];
      const url = `${config.PUBLIC_URL}/readyz`;
      const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) }).catch(() => null);
      if (answer?.ok) return [ok(`${url} answers: ready`)];
      if (answer?.status === 503)
        return [
          fault(
            `${url} answers 503: the API lives and has no database`,
            'Look at Postgres, and at the API’s log; it reconnects by itself.',
          ),
        ];
      const how = answer ? `answers ${answer.status}` : 'does not answer';
      return [
        fault(
          `${url} ${how}`,
          'Start the API: `npm run api`, or correct PUBLIC_URL; behind a proxy, look there too.',
        ),
      ];
    },
  },
];

async function roomOf(path: string, name: string, mend: string): Promise<Finding> {
  const { bavail, blocks, bsize } = await statfs(path);
  const free = bavail / blocks;
  const says = `${(free * 100).toFixed(0)} % of ${name} is free (${Math.round((bavail * bsize) / 2 ** 30)} GiB)`;
  if (free > 0.1) return ok(says);
  return free < 0.03 ? fault(says, mend) : warning(says, mend);
}

/** What the system answers to a write; null where it may be. Leaves nothing there. */
async function refusalToWrite(folder: string): Promise<string | null> {
  try {
    await rmdir(await mkdtemp(join(folder, '.doctor-')));
    return null;
  } catch (error) {
    return messageOf(error);
  }
}
