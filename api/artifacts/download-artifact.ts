import { z } from 'zod';
import {
  ARTIFACT_FILES,
  ARTIFACT_KINDS,
  artifactFilename,
  findArtifact,
} from '../../entities/artifact';
import type { ByteRange } from '../../integrations/storage';
import { operation, RawAnswer } from '../http/operation';
import { id, timestamp } from '../http/schemas';
import { holderOfLink, requireReader, signedLink } from './download-link';
import { openFile, requireReady } from './stored-file';

export const downloadReply = z.object({
  object: z.literal('artifact_download'),
  artifactId: z.string(),
  downloadUrl: z.string(),
  expiresAt: timestamp,
});

export const downloadArtifact = operation({
  name: 'downloadArtifact',
  method: 'get',
  path: '/v1/artifacts/:artifactId/download',
  summary: 'Download an artifact’s file, with a key or the token of its downloadUrl',
  tag: 'artifacts',
  scope: 'read:sec',
  byLink: holderOfLink,
  transaction: 'none',
  otherStatuses: [206, 304],
  forms: ARTIFACT_KINDS.map((kind) => ARTIFACT_FILES[kind].contentType),
  input: z.object({ artifactId: id('art'), token: z.string().optional() }),
  reply: downloadReply,
  async handle({ tx, input, caller, context, now, headers, setStatus }) {
    const artifact = await findArtifact(tx, caller, input.artifactId);
    requireReader(caller, artifact.report);
    requireReady(artifact);
    if (artifact.kind !== 'json_bundle' && wantsJsonAlone(headers.accept)) {
      const { url, expiresAt } = signedLink({ caller, context, now }, artifact);
      return {
        object: 'artifact_download' as const,
        artifactId: artifact.id,
        downloadUrl: url,
        expiresAt: expiresAt.toISOString(),
      };
    }
    const size = Number(artifact.byteLength);
    const etag = `"${artifact.sha256 ?? ''}"`;
    const { contentType } = ARTIFACT_FILES[artifact.kind];
    if (headers['if-none-match'] === etag) {
      setStatus(304);
      return new RawAnswer(contentType, '', { ETag: etag });
    }
    const range = rangeOf(headers.range, size, headers['if-range'], etag);
    const file = await openFile(context, artifact, range);
    if (range) setStatus(206);
    return new RawAnswer(contentType, file, {
      ETag: etag,
      'Accept-Ranges': 'bytes',
      'Cache-Control': 'private, no-transform',
      'Content-Disposition': `attachment; filename="${artifactFilename(artifact)}"`,
      'Content-Length': String(range ? range.end - range.start + 1 : size),
      ...(range ? { 'Content-Range': `bytes ${range.start}-${range.end}/${size}` } : {}),
    });
  },
});

/** Published clients parse every answer as JSON and say so; a browser or curl takes anything. */
function wantsJsonAlone(accept: string | undefined): boolean {
  return /^\s*application\/json\s*(;[^,]*)?$/i.test(accept ?? '');
}

/** The one stretch that a Range header asks for; undefined: the whole file, also for what it can't mean. */
function rangeOf(
  header: string | undefined,
  size: number,
  ifRange: string | string[] | undefined,
  etag: string,
): ByteRange | undefined {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if ((from === '' && to === '') || (ifRange !== undefined && ifRange !== etag)) return undefined;
  const start = from === '' ? Math.max(size - Number(to), 0) : Number(from);
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  return start <= end ? { start, end } : undefined;
}
