import { z } from 'zod';
import { Artifact, artifactObjectKey, findArtifact } from '../../entities/artifact';
import { appendAudit } from '../../entities/audit-record';
import { artifactFacts } from '../../entities/create-artifact';
import { emitReconciled, rebuildArtifact, restoreArtifact } from '../../entities/end-artifact';
import { digestOf } from '../../integrations/storage';
import { Fault } from '../../platform/fault';
import { actorOf, operation, type HandleArguments } from '../http/operation';
import { id } from '../http/schemas';
import { storageMode } from './present-artifact';
import { askingStorage } from './stored-file';

const WAIT_MS = 25_000;
const POLL_MS = 100;

const input = z.object({ artifactId: id('art') });
type Arguments = HandleArguments<z.output<typeof input>, 'own'>;
type Outcome = 'local_only' | 'synced' | 'recovered';

export const reconcileArtifact = operation({
  name: 'reconcileArtifact',
  method: 'post',
  path: '/v1/artifacts/:artifactId/reconcile',
  summary: 'Hash an artifact’s stored file again; where it is damaged or missing, make it anew',
  tag: 'artifacts',
  scope: ['write:sec', 'write:artifacts'],
  transaction: 'own',
  audits: ['artifact.reconciled', 'artifact.rebuild_asked'],
  input,
  reply: z.object({
    object: z.literal('artifact_reconciliation'),
    id: z.string(),
    artifactId: z.string(),
    status: z.enum(['local_only', 'synced', 'recovered', 'uploaded']),
    storageMode,
    objectKey: z.string().nullable(),
  }),
  async handle(args) {
    const artifact = await findArtifact(args.tx, args.caller, args.input.artifactId);
    if (artifact.status === 'pending') throw stillBuilding('The artifact is still being built.');
    const status = (await isWhole(args, artifact))
      ? await confirm(args, artifact)
      : await recover(args, artifact);
    return {
      object: 'artifact_reconciliation' as const,
      id: artifact.id,
      artifactId: artifact.id,
      status,
      storageMode: artifact.storageMode,
      objectKey: artifact.objectKey ?? artifactObjectKey(artifact),
    };
  },
});

function isWhole({ context: { storage } }: Arguments, artifact: Artifact): Promise<boolean> {
  if (artifact.sha256 === null) return Promise.resolve(false);
  return askingStorage(async () => {
    const file = await storage.get(artifactObjectKey(artifact));
    return file !== null && (await digestOf(file)).sha256 === artifact.sha256;
  });
}

/** The file is what the manifest says; one that was given up is back. */
async function confirm(args: Arguments, artifact: Artifact): Promise<Outcome> {
  const { context, now, requestId } = args;
  const isBack = artifact.status === 'failed';
  const kept = artifact.storageMode === 'local' ? 'local_only' : 'synced';
  const outcome = isBack ? 'recovered' : kept;
  await context.db.transaction(async (tx) => {
    if (isBack) await restoreArtifact(tx, artifact.id, now);
    const after = await tx.findOneByOrFail(Artifact, { id: artifact.id });
    const cause = { requestId, now, schedule: context.schedule };
    await emitReconciled(tx, after, outcome, cause);
    const facts = { ...artifactFacts(after), outcome };
    await appendAudit(tx, artifact.orgId, [factOf(args, 'artifact.reconciled', facts)], now);
  });
  context.wake('delivery');
  return outcome;
}

/** Has the file built again from the same records and waits for it. Throws conflict where that can't be, or takes long. */
async function recover(args: Arguments, artifact: Artifact): Promise<Outcome> {
  const { context, requestId, now } = args;
  await context.db.transaction(async (tx) => {
    if (!(await rebuildArtifact(tx, artifact, requestId, now))) return;
    const facts = artifactFacts(artifact);
    await appendAudit(tx, artifact.orgId, [factOf(args, 'artifact.rebuild_asked', facts)], now);
  });
  context.wake('command');
  const until = performance.now() + WAIT_MS;
  for (;;) {
    const { status, error } = await context.db
      .getRepository(Artifact)
      .findOneByOrFail({ id: artifact.id });
    if (status === 'ready') return 'recovered';
    if (status === 'failed') throw notRecoverable(error);
    if (performance.now() > until) throw stillBuilding('The artifact is being built again.');
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function factOf({ caller, input, requestId }: Arguments, action: string, after: object) {
  return {
    action,
    actor: actorOf(caller),
    target: { type: 'artifact', id: input.artifactId },
    after: after as Record<string, unknown>,
    requestId,
    ip: caller.ip,
  };
}

function stillBuilding(message: string): Fault {
  return new Fault('conflict', {
    message,
    hint: 'GET /v1/artifacts/{id} shows how far it is; reconcile again when it is ready.',
    details: { status: 'pending' },
    retryAfterSeconds: 5,
  });
}

function notRecoverable(reason: string | null): Fault {
  const isChanged = reason === 'records_changed';
  return new Fault('conflict', {
    message: isChanged
      ? 'The file is lost, and records that it held are no longer kept: the same one cannot be made again.'
      : `The file could not be made again: ${(reason ?? 'unknown').replaceAll('_', ' ')}.`,
    hint: isChanged
      ? 'POST /v1/artifacts makes a new one of what is still there.'
      : 'Reconcile again, or make a new artifact.',
    details: { status: 'failed', reason },
  });
}
