import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, mkdir, open, readdir, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import type { Artifact } from '../entities/artifact';
import { REPORTS, type ReportSummary } from '../entities/report';
import { LAYOUTS } from './artifact-layouts';

/** How far a build has come: the first `offset` bytes of its work file hold the head and `records` lines. */
export interface BuildCursor {
  /** The work file's name. */
  readonly file: string;
  readonly offset: number;
  /** Where the report's next page begins. */
  readonly after: string | null;
  readonly records: number;
  readonly total: number;
  /** Whether all is written, the tail too. */
  readonly isComplete: boolean;
}

export interface WritingOptions {
  readonly db: DataSource;
  /** Where files are written until they are complete; nobody reads here. */
  readonly folder: string;
  /** How often what was written is made safe and told (ms). */
  readonly checkpointMs: number;
  /** Bytes that a page of records should have. */
  readonly pageBytes: number;
  /** Where an earlier run of this build stood, or null. */
  readonly resumed: BuildCursor | null;
  /** Told at every checkpoint; throws to stop the build. */
  readonly checkpoint: (cursor: BuildCursor) => Promise<void>;
}

const FIRST_PAGE = 20;
const LARGEST_PAGE = 250;
/** Summing up goes over all records at once, which takes minutes where there are millions. */
const LONGEST_SUMMARY_MS = 600_000;

/**
 * Writes an artifact into a work file of its own, page by page; what is in memory is one page. Goes on after what an
 * earlier run had written for sure, without a gap or a repeat, where its file is at hand; else begins anew. Answers
 * the file's path.
 */
export async function writeArtifact(
  artifact: Artifact,
  options: WritingOptions,
): Promise<{ readonly path: string; readonly records: number }> {
  const { db, folder, checkpoint } = options;
  const report = REPORTS[artifact.report];
  const layout = LAYOUTS[artifact.kind];
  await mkdir(folder, { recursive: true });
  const file = `${artifact.id}.${randomUUID()}`;
  const path = join(folder, file);
  const earlier = await takeOver(folder, file, options.resumed);
  await removeOthers(folder, artifact.id, file);
  const handle = await open(path, 'a');
  try {
    let cursor = earlier;
    const write = async (text: string, next: Partial<BuildCursor>): Promise<void> => {
      const bytes = Buffer.from(text);
      await handle.appendFile(bytes);
      cursor = { ...cursor, ...next, offset: cursor.offset + bytes.length };
    };
    if (cursor.offset === 0) {
      const summary = await summarize(db, artifact);
      await write(layout.head(artifact, report, summary), { total: summary.total });
    }
    let limit = FIRST_PAGE;
    let toldAt = -Infinity;
    let hasMore = !cursor.isComplete;
    while (hasMore) {
      const { records, offset } = cursor;
      const page = await report.read(db, artifact, cursor.after, limit);
      hasMore = page.after !== null;
      await write(layout.lines(page.lines, records === 0), {
        after: page.after,
        records: records + page.lines.length,
      });
      if (!hasMore) await write(layout.tail(cursor.records), { isComplete: true });
      limit = nextLimit(cursor.offset - offset, page.lines.length, options.pageBytes);
      if (hasMore && performance.now() - toldAt < options.checkpointMs) continue;
      await handle.datasync();
      await checkpoint(cursor);
      toldAt = performance.now();
    }
    return { path, records: cursor.records };
  } finally {
    await handle.close();
  }
}

function summarize(db: DataSource, artifact: Artifact): Promise<ReportSummary> {
  return db.transaction(async (tx) => {
    await tx.query(`SET LOCAL statement_timeout = ${LONGEST_SUMMARY_MS}`);
    await tx.query('SET LOCAL max_parallel_workers_per_gather = 2');
    return REPORTS[artifact.report].summarize(tx, artifact);
  });
}

/** So many records that the next page has about the wanted bytes, if its records are like the last one's. */
function nextLimit(bytes: number, records: number, pageBytes: number): number {
  const fitting = Math.floor(pageBytes / Math.max(bytes / Math.max(records, 1), 1));
  return Math.min(Math.max(fitting, 1), LARGEST_PAGE);
}

/**
 * A copy of what an earlier run had written up to its checkpoint; its own file stays its own, in case that run still
 * lives. Where that file is gone or too short (another machine, a lost disk) there is nothing to go on from.
 */
async function takeOver(
  folder: string,
  file: string,
  resumed: BuildCursor | null,
): Promise<BuildCursor> {
  const fresh = { file, offset: 0, after: null, records: 0, total: 0, isComplete: false };
  if (!resumed) return fresh;
  const theirs = join(folder, resumed.file);
  const found = await stat(theirs).catch(() => null);
  if (!found || found.size < resumed.offset) return fresh;
  const ours = join(folder, file);
  await copyFile(theirs, ours, constants.COPYFILE_FICLONE);
  await truncate(ours, resumed.offset);
  return { ...resumed, file };
}

/** Removes the work files of an artifact but one: those of runs that were killed. */
export async function removeOthers(
  folder: string,
  artifactId: string,
  file: string | null,
): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  const stale = names.filter((name) => name.startsWith(`${artifactId}.`) && name !== file);
  for (const name of stale) await rm(join(folder, name), { force: true });
}
