import { readWorkFigures } from '../../entities/work-figures';
import { duration, fault, ok, warning, type Check, type Finding } from './check';

const LATE_S = 60;

export const workChecks: readonly Check[] = [
  {
    name: 'workers',
    needs: ['migrated'],
    async run({ db, now }) {
      if (!db) return [];
      const { workers } = await readWorkFigures(db, now());
      if (workers.alive === 0)
        return [
          fault(
            'no worker has been seen for 15 s: nothing is delivered',
            'Start one: `npm run worker`, and read its first lines.',
          ),
        ];
      if (workers.withTemporal === 0)
        return [
          fault(
            'no worker has Temporal: retries, replays, approvals and mails wait',
            'See `temporal` and `namespace`; the workers’ logs say why.',
          ),
        ];
      return [ok(`${workers.alive} worker(s), ${workers.withTemporal} with Temporal`)];
    },
  },
  {
    name: 'outbox',
    needs: ['migrated'],
    async run({ db, now }) {
      if (!db) return [];
      const { outbox } = await readWorkFigures(db, now());
      if (outbox.ageSeconds <= LATE_S) return [ok(`${outbox.depth} command(s) wait`)];
      const why = outbox.lastError === null ? '' : `; the oldest failure: ${outbox.lastError}`;
      return [
        fault(
          `a command waits for ${duration(outbox.ageSeconds)}, ${outbox.depth} in all${why}`,
          'Workers carry commands to Temporal: see `workers` and `temporal`.',
        ),
      ];
    },
  },
  {
    name: 'deliveries',
    needs: ['migrated'],
    async run({ db, now }) {
      if (!db) return [];
      const { deliveries } = await readWorkFigures(db, now());
      if (deliveries.stuck === 0) return [ok(`${deliveries.pending} pending, none late`)];
      return [
        fault(
          `${deliveries.stuck} of ${deliveries.pending} pending deliveries are over 5 minutes late, the oldest ${deliveries.oldestStuck ?? ''}`,
          'With a worker and Temporal up they are asked for anew within 2 minutes; look the oldest one’s workflow up in Temporal’s UI.',
        ),
      ];
    },
  },
  {
    name: 'approvals, checkouts, mails',
    needs: ['migrated'],
    async run({ db, now }) {
      if (!db) return [];
      const { approvals, checkouts, unsentMails } = await readWorkFigures(db, now());
      const found: Finding[] = [];
      const mend =
        'Their workflows are gone or stand still: `npm run restored` asks for them anew.';
      if (approvals.stuck > 0)
        found.push(
          fault(`${approvals.stuck} approval(s) are past their time and still pending`, mend),
        );
      if (checkouts.stuck > 0)
        found.push(
          fault(`${checkouts.stuck} checkout(s) are past their time and still open`, mend),
        );
      if (unsentMails > 0)
        found.push(
          warning(
            `${unsentMails} mail(s) are unsent for over an hour`,
            'Check SMTP_URL; the mail workflows’ failures are in Temporal’s UI.',
          ),
        );
      if (found.length > 0) return found;
      return [ok(`${approvals.pending} approval(s) pending, ${checkouts.open} checkout(s) open`)];
    },
  },
];
