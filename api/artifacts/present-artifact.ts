import { z } from 'zod';
import {
  ARTIFACT_FILES,
  ARTIFACT_KINDS,
  ARTIFACT_REPORTS,
  ARTIFACT_STATUSES,
  artifactFilename,
  type Artifact,
} from '../../entities/artifact';
import { timestamp } from '../http/schemas';
import { mayRead, plainUrl, signedLink, type Viewer } from './download-link';

export const storageMode = z.enum(['local', 'r2']);

export const artifactReply = z.object({
  object: z.literal('artifact'),
  id: z.string(),
  createdAt: timestamp,
  livemode: z.boolean(),
  orgId: z.string(),
  kind: z.enum(ARTIFACT_KINDS),
  report: z.enum(ARTIFACT_REPORTS),
  since: timestamp.nullable(),
  until: timestamp.nullable(),
  status: z.enum(ARTIFACT_STATUSES),
  error: z.string().nullable(),
  progress: z.object({
    records: z.int(),
    totalRecords: z.int().nullable(),
    percent: z.int(),
  }),
  downloadUrl: z.string(),
  storageMode,
  objectKey: z.string().nullable(),
  finishedAt: timestamp.nullable(),
});

/** An artifact as its viewer sees it; the link is signed once it is ready, for who may read what it holds. */
export function presentArtifact(artifact: Artifact, viewer: Viewer): z.input<typeof artifactReply> {
  const { id, livemode, orgId, kind, report, status, error, objectKey } = artifact;
  const isOpen = status === 'ready' && mayRead(viewer.caller, report);
  return {
    object: 'artifact',
    id,
    createdAt: artifact.createdAt.toISOString(),
    livemode,
    orgId,
    kind,
    report,
    since: artifact.since?.toISOString() ?? null,
    until: artifact.until?.toISOString() ?? null,
    status,
    error,
    progress: progressOf(artifact),
    downloadUrl: isOpen ? signedLink(viewer, artifact).url : plainUrl(viewer.context, artifact),
    storageMode: artifact.storageMode,
    objectKey,
    finishedAt: artifact.finishedAt?.toISOString() ?? null,
  };
}

function progressOf({ status, records, totalRecords }: Artifact) {
  const done = Number(records);
  const total = totalRecords === null ? null : Number(totalRecords);
  const percent =
    status === 'ready' ? 100 : Math.min(Math.floor((done / Math.max(total ?? 0, 1)) * 100), 99);
  return { records: done, totalRecords: total, percent };
}

export const manifestReply = z.object({
  object: z.literal('artifact_manifest'),
  id: z.string(),
  artifactId: z.string(),
  kind: z.enum(ARTIFACT_KINDS),
  report: z.enum(ARTIFACT_REPORTS),
  status: z.enum(ARTIFACT_STATUSES),
  filename: z.string(),
  contentType: z.string(),
  storageMode,
  objectKey: z.string().nullable(),
  byteLength: z.int(),
  lineCount: z.int(),
  recordCount: z.int(),
  checksumSha1: z.string(),
  checksumSha256: z.string(),
  filing: z.null(),
  section: z.null(),
  exportedFormats: z.array(z.string()),
  createdAt: timestamp,
});

/** What the file is, to the byte; zeros and empty checksums until there is one. */
export function presentManifest(artifact: Artifact): z.input<typeof manifestReply> {
  const { id, kind, report, status, objectKey, sha1, sha256 } = artifact;
  return {
    object: 'artifact_manifest',
    id,
    artifactId: id,
    kind,
    report,
    status,
    filename: artifactFilename(artifact),
    contentType: ARTIFACT_FILES[kind].contentType,
    storageMode: artifact.storageMode,
    objectKey,
    byteLength: Number(artifact.byteLength ?? 0),
    lineCount: Number(artifact.lineCount ?? 0),
    recordCount: Number(artifact.records),
    checksumSha1: sha1 ?? '',
    checksumSha256: sha256 ?? '',
    filing: null,
    section: null,
    exportedFormats: [],
    createdAt: artifact.createdAt.toISOString(),
  };
}
