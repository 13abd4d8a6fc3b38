import type { Artifact, ArtifactKind } from '../entities/artifact';
import type { Cell, Report, ReportLine, ReportSummary } from '../entities/report';
import { readableTime } from '../platform/clock';
import { csv } from '../platform/csv';

/** How a kind of artifact is written, from top to bottom; a line's text depends on nothing but the line. */
export interface Layout {
  head(artifact: Artifact, report: Report, summary: ReportSummary): string;
  /** The lines' text; `isFirst`: none was written before them. */
  lines(lines: readonly ReportLine[], isFirst: boolean): string;
  tail(records: number): string;
}

const momentOf = (at: Date | null): string | null => at?.toISOString() ?? null;

/** One JSON object, one record a line, so that it can be read as a whole or line by line. */
const jsonBundle: Layout = {
  head({ id, orgId, livemode, report, since, until, createdAt }) {
    const about = {
      object: 'artifact_bundle',
      artifactId: id,
      orgId,
      livemode,
      report,
      since: momentOf(since),
      until: momentOf(until),
      createdAt: momentOf(createdAt),
    };
    return `${JSON.stringify(about).slice(0, -1)},"records":[`;
  },
  lines: (lines, isFirst) =>
    lines.map(({ json }, i) => `${isFirst && i === 0 ? '' : ','}\n${json}`).join(''),
  tail: (records) => `\n],"count":${records}}\n`,
};

/** A header row and a row a record (RFC 4180); nothing in it runs as a formula. */
const csvTablet: Layout = {
  head: (_artifact, report) => csv(report.columns, []),
  lines: (lines) =>
    csv(
      null,
      lines.map(({ cells }) => cells),
    ),
  tail: () => '',
};

/** A page for people: what it is about, the sums first, then every record as a row of one table. */
const markdownBundle: Layout = {
  head(artifact, report, summary) {
    const { id, orgId, livemode, since, until, createdAt } = artifact;
    const mode = livemode ? 'live' : 'test';
    return [
      `# ${report.title}`,
      '',
      `- **Organization**: ${orgId} (${mode})`,
      `- **From**: ${since ? `${readableTime(since)} UTC` : 'the first record kept'}`,
      `- **To**: ${readableTime(until ?? createdAt)} UTC`,
      `- **Asked for**: ${readableTime(createdAt)} UTC, as ${id}`,
      `- **Records**: ${summary.total}`,
      '',
      '## In sum',
      '',
      ...(summary.rows.length === 0 ? ['Nothing was recorded in this time.'] : []),
      ...(summary.rows.length === 0 ? [] : tableOf(summary.columns, summary.rows)),
      '',
      '## Records',
      '',
      ...tableOf(report.shown, []),
      '',
    ].join('\n');
  },
  lines: (lines) => lines.map(({ shown }) => `${rowOf(shown)}\n`).join(''),
  tail: (records) => `\n${records === 1 ? '1 record' : `${records} records`}; times are UTC.\n`,
};

function tableOf(columns: readonly string[], rows: readonly (readonly Cell[])[]): string[] {
  return [rowOf(columns), `|${' --- |'.repeat(columns.length)}`, ...rows.map(rowOf)];
}

function rowOf(cells: readonly Cell[]): string {
  return `| ${cells.map(cellText).join(' | ')} |`;
}

/** A cell can't end its row, nor become markup or HTML. */
function cellText(cell: Cell): string {
  if (cell === null) return '';
  return String(cell)
    .replace(/\s+/g, ' ')
    .replace(/[\\|`*[\]<>~]/g, (mark) => `\\${mark}`)
    .trim();
}

export const LAYOUTS: Readonly<Record<ArtifactKind, Layout>> = {
  json_bundle: jsonBundle,
  csv_tablet: csvTablet,
  markdown_bundle: markdownBundle,
};
