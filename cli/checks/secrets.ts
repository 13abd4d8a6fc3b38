import { sampleSealed } from '../../entities/sealed-samples';
import { createSecretBox } from '../../platform/secret-box';
import { fault, ok, type Check } from './check';

export const secretChecks: readonly Check[] = [
  {
    name: 'sealed secrets',
    needs: ['config', 'migrated'],
    async run({ config, db }) {
      if (!config || !db) return [];
      const samples = await sampleSealed(db, createSecretBox(config.SECRETS_KEY));
      const closed = samples.filter((sample) => sample.fault !== null);
      const total = samples.reduce((sum, { count }) => sum + count, 0);
      if (closed.length === 0) return [ok(`${total} sealed, one of each kind was opened`)];
      return closed.map((sample) =>
        fault(
          `${sample.count} of ${sample.column} do not open: ${sample.fault ?? ''}`,
          'Put the key that sealed them back into SECRETS_KEY, after a comma; what it sealed can’t be opened without it.',
        ),
      );
    },
  },
];
