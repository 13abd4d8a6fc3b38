import { z } from 'zod';
import { findArtifact } from '../../entities/artifact';
import { operation } from '../http/operation';
import { id } from '../http/schemas';
import { downloadReply } from './download-artifact';
import { mayRead, signedLink } from './download-link';
import { artifactReply, manifestReply, presentArtifact, presentManifest } from './present-artifact';

export const exportArtifact = operation({
  name: 'exportArtifact',
  method: 'get',
  path: '/v1/artifacts/:artifactId/export',
  summary: 'Show an artifact with its manifest and where to download it, as one object',
  tag: 'artifacts',
  scope: 'read:sec',
  transaction: 'none',
  input: z.object({
    artifactId: id('art'),
    format: z.enum(['json', 'markdown', 'compact_json']).default('json'),
  }),
  reply: z.object({
    object: z.literal('artifact_export'),
    artifactId: z.string(),
    format: z.enum(['json', 'markdown', 'compact_json']),
    manifest: manifestReply,
    artifact: artifactReply.optional(),
    download: downloadReply.optional(),
    /** Of markdown: the manifest as a page. */
    content: z.string().optional(),
  }),
  async handle({ tx, input, caller, context, now }) {
    const { artifactId, format } = input;
    const viewer = { caller, context, now };
    const artifact = await findArtifact(tx, caller, artifactId);
    const manifest = presentManifest(artifact);
    const isOpen = artifact.status === 'ready' && mayRead(caller, artifact.report);
    const link = isOpen ? signedLink(viewer, artifact) : null;
    const download = link && {
      object: 'artifact_download' as const,
      artifactId,
      downloadUrl: link.url,
      expiresAt: link.expiresAt.toISOString(),
    };
    return {
      object: 'artifact_export' as const,
      artifactId,
      format,
      manifest,
      ...(format === 'compact_json' ? {} : { artifact: presentArtifact(artifact, viewer) }),
      ...(download ? { download } : {}),
      ...(format === 'markdown' ? { content: pageOf(manifest) } : {}),
    };
  },
});

function pageOf(manifest: z.input<typeof manifestReply>): string {
  const { filename, status, byteLength, lineCount, recordCount, checksumSha256 } = manifest;
  return [
    `# ${filename}`,
    '',
    `- **Status**: ${status}`,
    `- **Type**: ${manifest.contentType}`,
    `- **Size**: ${byteLength} bytes, ${lineCount} lines, ${recordCount} records`,
    `- **SHA-1**: ${manifest.checksumSha1}`,
    `- **SHA-256**: ${checksumSha256}`,
    `- **Asked for**: ${manifest.createdAt}`,
    '',
  ].join('\n');
}
