import { uuid4 } from '@temporalio/workflow';

/** Replays that were asked for and not yet made, in order. */
export interface ReplayQueue {
  /** Adds one; an id that was seen before is dropped, and a signal without an id counts each time. */
  add(replayId: string | undefined): void;
  /** Takes the next one's id, or null. */
  next(): string | null;
  waiting(): boolean;
}

export function createReplayQueue(): ReplayQueue {
  const seen = new Set<string>();
  const queue: string[] = [];
  return {
    add(replayId) {
      const id = replayId ?? `rpl_${uuid4().replaceAll('-', '')}`;
      if (seen.has(id)) return;
      seen.add(id);
      queue.push(id);
    },
    next: () => queue.shift() ?? null,
    waiting: () => queue.length > 0,
  };
}
