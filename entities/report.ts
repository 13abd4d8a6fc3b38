import type { Artifact } from './artifact';
import { auditReport } from './report-audit';
import { deliveriesReport } from './report-deliveries';
import { eventsReport } from './report-events';
import { usageReport } from './report-usage';
import { run, statement, type Executor } from './sql';

/** What an artifact's report takes in; it never changes, so that reading it again gives the same lines. */
export type ReportRange = Pick<
  Artifact,
  'orgId' | 'livemode' | 'since' | 'until' | 'belowXid' | 'upToSeq'
>;

export type Cell = string | number | null;

/** One record of a report, in each form that a layout may want. */
export interface ReportLine {
  readonly at: Date;
  /** The record as a JSON object, without a line feed. */
  readonly json: string;
  /** Its cells, one for each of the report's columns. */
  readonly cells: readonly Cell[];
  /** The same for a person: one for each of the `shown` columns. */
  readonly shown: readonly Cell[];
}

/** One page of lines, and from where the next one goes on; null: that was the last. */
export interface ReportPage {
  readonly lines: readonly ReportLine[];
  readonly after: string | null;
}

/** What a reader wants to know first. */
export interface ReportSummary {
  readonly total: number;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** A kind of report: how its lines are read, in one fixed order, and summed up. */
export interface Report {
  readonly title: string;
  readonly columns: readonly string[];
  readonly shown: readonly string[];
  /** Lines after a position that an earlier page gave; null: from the beginning. */
  read(db: Executor, range: ReportRange, after: string | null, limit: number): Promise<ReportPage>;
  summarize(db: Executor, range: ReportRange): Promise<ReportSummary>;
}

export const REPORTS: Readonly<Record<Artifact['report'], Report>> = {
  events: eventsReport,
  usage: usageReport,
  deliveries: deliveriesReport,
  audit: auditReport,
};

const settled = statement<{ settled: boolean }>(
  'report-settled',
  `SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::xid8 AS settled`,
);

/** Whether everything that a report may take in has been committed or undone: from then on its range stands still. */
export async function isSettled(db: Executor, { belowXid }: ReportRange): Promise<boolean> {
  const [row] = await run(db, settled, [belowXid]);
  return row?.settled ?? false;
}
