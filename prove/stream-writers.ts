import { setTimeout as pause } from 'node:timers/promises';
import { createDataSource } from '../entities/data-source';
import { emitEvent } from '../entities/publish-event';

const HELD_OPEN = 0.03;
const HELD_MS = 2_000;
const USUAL_MS = 40;
const ROLLED_BACK = 0.05;
const MOST_EVENTS = 3;

/** What the writers did, as far as they know. */
export interface Written {
  readonly committed: number;
  readonly rolledBack: number;
  readonly heldOpen: number;
}

/**
 * Publishes from many transactions of random length, straight into Postgres: most take some milliseconds, a few are
 * held open for up to two seconds, a few are rolled back.
 */
export async function writeConcurrently(options: {
  readonly databaseUrl: string;
  readonly orgId: string;
  readonly writers: number;
  readonly forMs: number;
}): Promise<Written> {
  const { databaseUrl, orgId, writers, forMs } = options;
  const db = createDataSource({
    url: databaseUrl,
    poolSize: writers,
    applicationName: 'secapi-proof',
  });
  await db.initialize();
  const written = { committed: 0, rolledBack: 0, heldOpen: 0 };
  const endsAt = Date.now() + forMs;

  async function write(writer: number): Promise<void> {
    for (let i = 0; Date.now() < endsAt; i++) {
      const held = Math.random() < HELD_OPEN;
      const events = 1 + Math.floor(Math.random() * MOST_EVENTS);
      const undone = new Error('undone');
      await db
        .transaction(async (tx) => {
          await tx.query('SELECT pg_current_xact_id()');
          await pause(Math.random() * (held ? HELD_MS : USUAL_MS));
          for (let event = 0; event < events; event++) {
            await emitEvent(tx, {
              orgId,
              livemode: true,
              type: 'filing.published',
              data: { writer, i, event },
              requestId: 'req_of_the_proof',
              now: new Date(),
              schedule: { waitsSeconds: [30], windowSeconds: 60 },
            });
          }
          await pause(Math.random() * USUAL_MS);
          if (Math.random() < ROLLED_BACK) throw undone;
          written.committed += events;
          if (held) written.heldOpen += 1;
        })
        .catch((error: unknown) => {
          if (error !== undone) throw error;
          written.rolledBack += 1;
        });
    }
  }

  try {
    await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
  } finally {
    await db.destroy();
  }
  return written;
}
