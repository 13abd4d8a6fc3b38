import type { GateAnswer, UsageRequest } from './gate';
import { passAll } from './pass-gate';
import type { Executor } from './sql';

/** Takes live requests through the gate. */
export interface Gate {
  /**
   * Lets work through and charges it, exactly once by its key, or says why not. Exact under any parallelism, in one
   * process or many: no order of calls takes gated spend past a cap. Throws what Postgres throws while it is away; then
   * nothing was let through.
   */
  pass(request: UsageRequest): Promise<GateAnswer>;
}

/** The same gate; what it says is told on the way. */
export function watchGate(gate: Gate, told: (verdict: string) => void): Gate {
  return {
    async pass(request) {
      const answer = await gate.pass(request);
      told(answer.kind === 'refused' ? answer.refusal : answer.kind);
      return answer;
    },
  };
}

interface Waiting {
  readonly request: UsageRequest;
  readonly settle: (answer: GateAnswer) => void;
  readonly fail: (error: unknown) => void;
}

const MOST_AT_ONCE = 64;

/**
 * A gate in which the requests of one organization that wait while another is on its way go together in the next
 * statement: its row is locked and flushed to disk once for all of them, and never fought over within the process.
 */
export function createGate(db: Executor): Gate {
  const queues = new Map<string, Waiting[]>();

  async function drain(name: string, queue: Waiting[]): Promise<void> {
    while (queue.length > 0) {
      const batch = takeBatch(queue);
      try {
        const answers = await passAll(
          db,
          batch.map(({ request }) => request),
        );
        for (const [i, { settle, fail }] of batch.entries()) {
          const answer = answers[i];
          if (answer) settle(answer);
          else fail(new Error(`the gate gave no answer for ${name}`));
        }
      } catch (error) {
        for (const { fail } of batch) fail(error);
      }
    }
    queues.delete(name);
  }

  return {
    pass(request) {
      const name = `${request.orgId} ${request.period}`;
      return new Promise<GateAnswer>((settle, fail) => {
        const queue = queues.get(name);
        if (queue) {
          queue.push({ request, settle, fail });
          return;
        }
        const started = [{ request, settle, fail }];
        queues.set(name, started);
        void drain(name, started);
      });
    },
  };
}

/** Takes what goes next out of the queue: of one key the first alone, so that the others find its charge. */
function takeBatch(queue: Waiting[]): Waiting[] {
  const batch: Waiting[] = [];
  const left: Waiting[] = [];
  const keys = new Set<string>();
  for (const waiting of queue) {
    const { key } = waiting.request;
    if (batch.length < MOST_AT_ONCE && !keys.has(key)) batch.push(waiting);
    else left.push(waiting);
    keys.add(key);
  }
  queue.splice(0, queue.length, ...left);
  return batch;
}
