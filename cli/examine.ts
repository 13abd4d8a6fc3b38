import { Client, Connection } from '@temporalio/client';
import { catalogFaults } from '../catalog/load-catalog';
import { createDataSource } from '../entities/data-source';
import { migrationState } from '../entities/migration-state';
import { readConfig, readSettings } from '../platform/config';
import { messageOf } from '../platform/message-of';
import { checks } from './checks';
import type { Check, Finding, Patient } from './checks/check';
import { noDatabase } from './checks/database';

const PATIENCE_MS = 3_000;
const CHECK_MS = 15_000;

/** A finding and the check it is of. */
export interface Diagnosis extends Finding {
  readonly check: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Runs every check that can be run; parts that are down are findings, and hold up no other check. Throws nothing. */
export async function examine(
  env: Environment,
  which: readonly Check[] = checks,
): Promise<Diagnosis[]> {
  const { patient, close } = await admit(env);
  const all: Diagnosis[] = [];
  try {
    for (const check of which) {
      if ((check.needs ?? []).some((need) => !has(patient, need))) continue;
      const findings = await within(CHECK_MS, async () => check.run(patient)).catch(
        (error: unknown): Finding[] => [
          {
            level: 'fault',
            says: `could not be looked at: ${reasonOf(error)}`,
            mend: 'See the other lines.',
          },
        ],
      );
      all.push(...findings.map((finding) => ({ check: check.name, ...finding })));
    }
  } finally {
    await close();
  }
  return all;
}

function has(patient: Patient, need: NonNullable<Check['needs']>[number]): boolean {
  if (need === 'migrated') return patient.db !== null && patient.isMigrated;
  return patient[need] !== null;
}

async function admit(env: Environment): Promise<{ patient: Patient; close(): Promise<void> }> {
  const [config, configFaults] = await attempt(async () =>
    readConfig(env, [({ CATALOG_PATH }) => catalogFaults(CATALOG_PATH)]),
  );
  const [db, dbReason, dbError] = await attempt(async () => {
    const { DATABASE_URL: url } = readSettings(env, ['DATABASE_URL']);
    const source = createDataSource({ url, poolSize: 2, applicationName: 'secapi-doctor' });
    return within(PATIENCE_MS, () => source.initialize());
  });
  const [temporal, temporalFault] = await attempt(async () => {
    const settings = readSettings(env, ['TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE']);
    const { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace } = settings;
    const connection = await Connection.connect({ address, connectTimeout: PATIENCE_MS });
    return new Client({ connection, namespace });
  });
  const [state] = db ? await attempt(() => migrationState(db)) : [null];
  const isMigrated = state !== null && state.missing.length === 0;
  return {
    patient: {
      config,
      configFaults,
      db,
      dbFault: dbReason === null ? null : noDatabase(dbError, dbReason),
      isMigrated,
      temporal,
      temporalFault,
      now: () => new Date(),
    },
    async close() {
      await db?.destroy();
      await temporal?.connection.close();
    },
  };
}

async function attempt<Value>(
  act: () => Promise<Value>,
): Promise<[Value, null, null] | [null, string, unknown]> {
  try {
    return [await act(), null, null];
  } catch (error) {
    return [null, reasonOf(error), error];
  }
}

async function within<Value>(ms: number, act: () => Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1_000} s`)), ms);
  });
  return Promise.race([act(), late]).finally(() => clearTimeout(timer));
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ');
  return messageOf(error);
}
