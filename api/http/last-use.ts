import type { DataSource } from 'typeorm';
import { touchKeys } from '../../entities/touch-keys';

const FLUSH_MS = 10_000;

/** Remembers when keys were used and writes it in batches, off the path of any request. */
export interface LastUse {
  note(keyId: string, at: Date): void;
  /** Writes what is remembered now. What can't be written is kept for the next time. */
  flush(): Promise<void>;
  /** Ends the timer and writes the rest. */
  stop(): Promise<void>;
}

export function createLastUse(db: DataSource): LastUse {
  let used = new Map<string, Date>();
  async function flush(): Promise<void> {
    if (used.size === 0 || !db.isInitialized) return;
    const batch = used;
    used = new Map();
    try {
      await touchKeys(db, batch);
    } catch {
      used = new Map([...batch, ...used]);
    }
  }
  const timer = setInterval(() => void flush(), FLUSH_MS);
  timer.unref();
  return {
    note: (keyId, at) => void used.set(keyId, at),
    flush,
    async stop() {
      clearInterval(timer);
      await flush();
    },
  };
}
