import type { Client } from '@temporalio/client';
import type { DataSource } from 'typeorm';
import type { Config } from '../../platform/config';

/** What a check found. `mend` says what to do; there is none where all is well. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'fault';
  readonly says: string;
  readonly mend?: string;
}

/** What checks look at. What can't be had (a part is down, a setting wrong) is null, with the reason. */
export interface Patient {
  readonly config: Config | null;
  readonly configFaults: string | null;
  readonly db: DataSource | null;
  readonly dbFault: Finding | null;
  readonly isMigrated: boolean;
  readonly temporal: Client | null;
  readonly temporalFault: string | null;
  readonly now: () => Date;
}

/** One thing that is looked at. A check that throws becomes a fault that says so: it stops no other. */
export interface Check {
  readonly name: string;
  /** What it needs; without it, it is left out: another check tells of the part that is missing. */
  readonly needs?: readonly ('config' | 'db' | 'migrated' | 'temporal')[];
  run(patient: Patient): Promise<Finding[]> | Finding[];
}

export const ok = (says: string): Finding => ({ level: 'ok', says });
export const warning = (says: string, mend: string): Finding => ({ level: 'warning', says, mend });
export const fault = (says: string, mend: string): Finding => ({ level: 'fault', says, mend });

/** `3 min 20 s`, `45 s`, `2 d 3 h` */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86_400)
    return `${Math.floor(whole / 3_600)} h ${Math.floor((whole % 3_600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3_600)} h`;
}
