import type { Check } from './check';
import { databaseChecks } from './database';
import { environmentChecks } from './environment';
import { machineChecks } from './machine';
import { secretChecks } from './secrets';
import { stripeChecks } from './stripe';
import { temporalChecks } from './temporal';
import { workChecks } from './work';

/** Everything that `npm run doctor` looks at, in the order of the table. */
export const checks: readonly Check[] = [
  ...environmentChecks,
  ...databaseChecks,
  ...temporalChecks,
  ...workChecks,
  ...secretChecks,
  ...stripeChecks,
  ...machineChecks,
];
