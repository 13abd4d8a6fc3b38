import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { Context } from '@temporalio/activity';
import type { DataSource } from 'typeorm';
import { Artifact, artifactObjectKey, type ArtifactStatus } from '../entities/artifact';
import type { DeliverySchedule } from '../entities/delivery-schedule';
import { failArtifact, finishArtifact, noteProgress } from '../entities/end-artifact';
import { isSettled } from '../entities/report';
import { digestOf, type Storage } from '../integrations/storage';
import type { Clock } from '../platform/clock';
import {
  removeOthers,
  writeArtifact,
  type BuildCursor,
  type WritingOptions,
} from './write-artifact';

/** An artifact as its workflow sees it. Plain JSON. */
export interface ArtifactView {
  readonly status: ArtifactStatus | 'gone';
  readonly records: number;
  readonly byteLength: number;
  readonly error: string | null;
}

/** What an artifact's workflow asks of the world. Each is safe to repeat. */
export interface ArtifactActivities {
  /** Builds a pending artifact's file, stores it and ends it; of one that has ended it answers how. */
  buildArtifact(artifactId: string): Promise<ArtifactView>;
  /** Ends a pending artifact as failed. */
  failArtifact(artifactId: string, reason: string): Promise<ArtifactView>;
}

/** Between looks whether what is older than the artifact has been committed (ms). */
const SETTLE_POLL_MS = 100;
const CHECKPOINT_MS = 500;
const BEAT_MS = 2_000;
const PAGE_BYTES = 4 * 1_048_576;

export function createArtifactActivities(deps: {
  readonly db: DataSource;
  readonly clock: Clock;
  readonly schedule: DeliverySchedule;
  readonly storage: Storage;
  /** Where files are written until they are complete. */
  readonly workFolder: string;
  /** Tells the workers of new deliveries. */
  readonly wake: () => void;
  readonly writing?: Partial<Pick<WritingOptions, 'checkpointMs' | 'pageBytes'>>;
}): ArtifactActivities {
  const { db, clock, schedule, storage, workFolder, wake, writing } = deps;

  const find = (id: string): Promise<Artifact | null> =>
    db.getRepository(Artifact).findOneBy({ id });

  function write(artifact: Artifact, pulse: Pulse) {
    return writeArtifact(artifact, {
      db,
      folder: workFolder,
      checkpointMs: CHECKPOINT_MS,
      pageBytes: PAGE_BYTES,
      ...writing,
      resumed: pulse.resumed,
      async checkpoint(cursor) {
        await noteProgress(db, artifact.id, cursor, clock.now());
        await pulse.tell(cursor);
      },
    });
  }

  /** Stores a complete file, if it is what it must be, and ends the artifact. */
  async function publish(
    artifact: Artifact,
    { path, records }: { readonly path: string; readonly records: number },
  ): Promise<void> {
    const digest = await digestOf(createReadStream(path));
    const now = clock.now();
    if (artifact.sha256 !== null && artifact.sha256 !== digest.sha256) {
      await failArtifact(db, artifact, 'records_changed', now, schedule);
    } else {
      const key = artifactObjectKey(artifact);
      const source = await open(path);
      try {
        await storage.put(key, () => source.createReadStream());
      } finally {
        await source.close();
      }
      const file = { records, ...digest };
      const isDone = await finishArtifact(db, artifact, file, clock.now(), schedule);
      if (!isDone && (await find(artifact.id))?.status === 'failed') await storage.remove(key);
    }
    await rm(path, { force: true });
  }

  return {
    async buildArtifact(artifactId) {
      const artifact = await find(artifactId);
      if (artifact?.status !== 'pending') return viewOf(artifact);
      const pulse = startPulse();
      try {
        while (!(await isSettled(db, artifact))) await Context.current().sleep(SETTLE_POLL_MS);
        await publish(artifact, await write(artifact, pulse));
      } finally {
        pulse.stop();
      }
      wake();
      return viewOf(await find(artifactId));
    },

    async failArtifact(artifactId, reason) {
      const artifact = await find(artifactId);
      if (artifact?.status !== 'pending') return viewOf(artifact);
      await failArtifact(db, artifact, reason, clock.now(), schedule);
      await removeOthers(workFolder, artifactId, null);
      wake();
      return viewOf(await find(artifactId));
    },
  };
}

/** An activity's sign of life, with how far it has come. */
interface Pulse {
  /** Where an earlier attempt of the activity stood. */
  readonly resumed: BuildCursor | null;
  /** Tells how far it is. Throws once the activity is cancelled. */
  tell(cursor: BuildCursor): Promise<void>;
  stop(): void;
}

/** Beats on its own too, so that a long look at the database or a large file to be stored is no sign of death. */
function startPulse(): Pulse {
  const context = Context.current();
  let last = context.info.heartbeatDetails as BuildCursor | undefined;
  const timer = setInterval(() => context.heartbeat(last), BEAT_MS);
  return {
    resumed: last ?? null,
    async tell(cursor) {
      last = cursor;
      context.heartbeat(cursor);
      if (context.cancellationSignal.aborted) await context.cancelled;
    },
    stop: () => clearInterval(timer),
  };
}

function viewOf(artifact: Artifact | null): ArtifactView {
  return {
    status: artifact?.status ?? 'gone',
    records: Number(artifact?.records ?? 0),
    byteLength: Number(artifact?.byteLength ?? 0),
    error: artifact?.error ?? null,
  };
}
