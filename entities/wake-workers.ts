import type { DataSource } from 'typeorm';
import { poolOf } from './sql';

/** What others are woken for: fresh deliveries, commands in the outbox, or events that only streams and sockets wait for. */
export type Work = 'delivery' | 'command' | 'stream';

/**
 * Tells the workers and the readers of sockets, after a commit, that there is something to do. One notification of a kind is in flight at a
 * time, and those asked for meanwhile become one more; a lost one is covered by their poll.
 */
export function createWaker(db: DataSource): (work: Work) => void {
  const state = {
    delivery: { text: 'NOTIFY secapi_delivery', flying: false, again: false },
    command: { text: 'NOTIFY secapi_command', flying: false, again: false },
    stream: { text: 'NOTIFY secapi_stream', flying: false, again: false },
  };
  return function wake(work) {
    const line = state[work];
    if (line.flying) {
      line.again = true;
      return;
    }
    line.flying = true;
    line.again = false;
    poolOf(db)
      .query(line.text)
      .catch(() => undefined)
      .finally(() => {
        line.flying = false;
        if (line.again) wake(work);
      });
  };
}
