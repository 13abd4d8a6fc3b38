import type { DataSource } from 'typeorm';
import { storeRequests, type RequestRecord } from '../../entities/request-record';
import type { Log } from '../../platform/log';

const FLUSH_MS = 500;
const BATCH = 500;
/** Kept while the database is away; beyond that the oldest are dropped, and said so. */
const MOST_KEPT = 50_000;

/** Keeps a record of every request, written in batches beside the requests, never in their way. */
export interface RequestLog {
  note(record: RequestRecord): void;
  flush(): Promise<void>;
  stop(): Promise<void>;
}

export function createRequestLog(db: DataSource, log: Log): RequestLog {
  let waiting: RequestRecord[] = [];
  let writing: Promise<void> | null = null;

  async function write(): Promise<void> {
    while (waiting.length > 0 && db.isInitialized) {
      const batch = waiting.slice(0, BATCH);
      try {
        await storeRequests(db, batch);
        waiting = waiting.slice(batch.length);
      } catch (error) {
        const over = waiting.length - MOST_KEPT;
        if (over > 0) waiting = waiting.slice(over);
        log.warn(
          { err: error, waiting: waiting.length, dropped: Math.max(over, 0) },
          'request records wait',
        );
        return;
      }
    }
  }

  async function flush(): Promise<void> {
    writing ??= write().finally(() => {
      writing = null;
    });
    await writing;
  }

  const timer = setInterval(() => void flush(), FLUSH_MS);
  timer.unref();
  return {
    note(record) {
      waiting.push(record);
      if (waiting.length % BATCH === 0) void flush();
    },
    flush,
    async stop() {
      clearInterval(timer);
      await flush();
    },
  };
}
