import { Readable } from 'node:stream';
import type { Log } from '../../platform/log';
import type { ExportPage } from './export-pages';

/**
 * Pages of an export as a stream, of which the first is read before this resolves: what fails then is an ordinary error
 * answer. What fails later breaks the stream off, so that its reader knows that it isn't whole. A reader that leaves
 * ends the reading after the page under way. Its end is logged: `whole`, `broken`, or `left` by the reader.
 */
export async function streamOf(
  pages: AsyncGenerator<ExportPage>,
  { log, ...about }: { log: Log; requestId: string; orgId: string; format: string },
): Promise<Readable> {
  const startedAt = performance.now();
  const first = await pages.next();
  async function* texts(): AsyncGenerator<string> {
    let end = 'left';
    let records = 0;
    let failure: unknown;
    try {
      for (let next = first; !next.done; next = await pages.next()) {
        records += next.value.records;
        yield next.value.text;
      }
      end = 'whole';
    } catch (error) {
      end = 'broken';
      failure = error;
      throw error;
    } finally {
      const ms = Math.round(performance.now() - startedAt);
      const line = { ...about, records, end, ms, ...(failure ? { err: failure } : {}) };
      if (end === 'broken') log.warn(line, 'export ended');
      else log.info(line, 'export ended');
    }
  }
  return Readable.from(texts(), { objectMode: false, highWaterMark: 16_384 });
}
