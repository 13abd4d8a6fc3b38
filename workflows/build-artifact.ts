import {
  CancellationScope,
  defineSignal,
  proxyActivities,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import type { ArtifactActivities, ArtifactView } from '../activities/build-artifact';
import { CANCEL_SIGNAL, WAKE_SIGNAL, type BuildArtifact } from './contracts';

const { buildArtifact: build } = proxyActivities<Pick<ArtifactActivities, 'buildArtifact'>>({
  startToCloseTimeout: '12 h',
  scheduleToCloseTimeout: '24 h',
  heartbeatTimeout: '10 s',
  retry: { initialInterval: '1 s', maximumInterval: '5 min' },
});
const { failArtifact: fail } = proxyActivities<Pick<ArtifactActivities, 'failArtifact'>>({
  startToCloseTimeout: '30 s',
  retry: { initialInterval: '1 s', maximumInterval: '1 min' },
});

const cancel = defineSignal(CANCEL_SIGNAL);
const wake = defineSignal(WAKE_SIGNAL);

/**
 * Builds an artifact's file, however often its worker dies, or ends it as failed when it is cancelled or a day has not
 * been enough. Asked again meanwhile (a repair), it builds again; what has ended stays as it is.
 */
export async function buildArtifact({ artifactId }: BuildArtifact): Promise<string> {
  let building = new CancellationScope();
  let woken: boolean;
  setHandler(cancel, () => building.cancel());
  setHandler(wake, () => void (woken = true));

  for (;;) {
    woken = false;
    setCurrentDetails('being built; the heartbeat of its activity tells how far');
    const artifact = await buildOrFail(artifactId, building);
    setCurrentDetails(describeArtifact(artifact));
    if (!woken) return artifact.status;
    building = new CancellationScope();
  }
}

async function buildOrFail(artifactId: string, scope: CancellationScope): Promise<ArtifactView> {
  try {
    return await scope.run(() => build(artifactId));
  } catch (error) {
    const reason = scope.consideredCancelled ? 'cancelled' : reasonOf(error);
    return CancellationScope.nonCancellable(() => fail(artifactId, reason));
  }
}

/** What an activity failed of, below the wrapping of the failure. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: unknown };
  return cause === undefined ? `gave up: ${message ?? 'unknown'}` : reasonOf(cause);
}

/** One line for an operator reading Temporal's UI. */
function describeArtifact({ status, records, byteLength, error }: ArtifactView): string {
  if (status === 'ready') return `ready: ${records} record(s), ${byteLength} bytes`;
  return error === null ? status : `${status}: ${error}`;
}
