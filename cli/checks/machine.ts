import { statfs } from 'node:fs/promises';
import { fault, ok, warning, type Check } from './check';

const ANSWER_MS = 3_000;

export const machineChecks: readonly Check[] = [
  {
    name: 'disk',
    async run() {
      const { bavail, blocks, bsize } = await statfs('.');
      const free = bavail / blocks;
      const says = `${(free * 100).toFixed(0)} % of this machine’s disk is free (${Math.round((bavail * bsize) / 2 ** 30)} GiB)`;
      if (free > 0.1) return [ok(says)];
      const mend = 'Free some, or lower RETENTION_DAYS; Postgres stops when its disk is full.';
      return [free < 0.03 ? fault(says, mend) : warning(says, mend)];
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
