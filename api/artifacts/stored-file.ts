import type { Readable } from 'node:stream';
import { artifactObjectKey, type Artifact } from '../../entities/artifact';
import type { ByteRange } from '../../integrations/storage';
import { Fault } from '../../platform/fault';
import type { ApiContext } from '../http/operation';

/** Throws conflict unless its file is there to be read. */
export function requireReady({ status, error }: Artifact): void {
  if (status === 'ready') return;
  throw new Fault('conflict', {
    message:
      status === 'pending'
        ? 'The artifact is still being built.'
        : `The artifact has failed: ${(error ?? 'unknown').replaceAll('_', ' ')}.`,
    hint:
      status === 'pending'
        ? 'GET /v1/artifacts/{id} shows how far it is.'
        : 'POST /v1/artifacts/{id}/reconcile tries again.',
    details: { status, reason: error },
  });
}

/** The bytes of a ready artifact's file. Throws conflict where it is missing or cut short, dependency_unavailable. */
export async function openFile(
  context: ApiContext,
  artifact: Artifact,
  range?: ByteRange,
): Promise<Readable> {
  const key = artifactObjectKey(artifact);
  return askingStorage(async () => {
    const found = await context.storage.stat(key);
    const isWhole = found?.byteLength === Number(artifact.byteLength);
    const file = isWhole ? await context.storage.get(key, range) : null;
    if (file) return file;
    throw new Fault('conflict', {
      message: 'The artifact’s stored file is missing or damaged.',
      hint: 'POST /v1/artifacts/{id}/reconcile makes it again.',
      details: { status: artifact.status, reason: 'file_damaged' },
    });
  });
}

/** Runs a call to the storage. Throws dependency_unavailable with Retry-After where it can't be reached. */
export async function askingStorage<Value>(call: () => Promise<Value>): Promise<Value> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('dependency_unavailable', {
      message: 'The storage of artifacts is away at the moment.',
      retryAfterSeconds: 5,
      cause: error,
    });
  }
}
