import { z } from 'zod';
import { Artifact, ARTIFACT_KINDS, ARTIFACT_STATUSES, findArtifact } from '../../entities/artifact';
import { summarizeArtifacts } from '../../entities/artifact-summary';
import { listRows } from '../http/list-rows';
import { operation } from '../http/operation';
import { cursor, id, limit, listOf, livemodeFilter } from '../http/schemas';
import {
  artifactReply,
  manifestReply,
  presentArtifact,
  presentManifest,
  storageMode,
} from './present-artifact';

const shared = {
  method: 'get',
  tag: 'artifacts',
  scope: 'read:sec',
  transaction: 'none',
} as const;

export const listArtifacts = operation({
  ...shared,
  name: 'listArtifacts',
  path: '/v1/artifacts',
  summary: 'List artifacts, newest first',
  input: z.object({
    kind: z.enum(ARTIFACT_KINDS).optional(),
    status: z.enum(ARTIFACT_STATUSES).optional(),
    livemode: livemodeFilter,
    limit,
    cursor,
  }),
  reply: listOf(artifactReply),
  handle({ tx, input, caller, context, now }) {
    const query = tx.getRepository(Artifact).createQueryBuilder('t').where('true');
    const { kind, status } = input;
    if (kind) query.andWhere('t.kind = :kind', { kind });
    if (status) query.andWhere('t.status = :status', { status });
    const viewer = { caller, context, now };
    return listRows(query, {
      list: 'artifacts',
      caller,
      cursors: context.cursors,
      input,
      present: (artifact) => presentArtifact(artifact, viewer),
    });
  },
});

export const getArtifactSummary = operation({
  ...shared,
  name: 'getArtifactSummary',
  path: '/v1/artifacts/summary',
  summary: 'Count artifacts and their bytes by kind, status and storage',
  input: z.object({}),
  reply: z.object({
    object: z.literal('artifact_summary'),
    orgId: z.string(),
    rows: z.array(
      z.object({
        kind: z.enum(ARTIFACT_KINDS),
        status: z.enum(ARTIFACT_STATUSES),
        storageMode,
        totalBytes: z.int(),
        count: z.int(),
      }),
    ),
  }),
  async handle({ tx, caller: { orgId, livemode } }) {
    const rows = await summarizeArtifacts(tx, orgId, !livemode);
    return { object: 'artifact_summary' as const, orgId, rows };
  },
});

export const getArtifact = operation({
  ...shared,
  name: 'getArtifact',
  path: '/v1/artifacts/:artifactId',
  summary: 'Show an artifact: how far it is, and once it is ready a link to download it',
  input: z.object({ artifactId: id('art') }),
  reply: artifactReply,
  async handle({ tx, input, caller, context, now }) {
    const artifact = await findArtifact(tx, caller, input.artifactId);
    return presentArtifact(artifact, { caller, context, now });
  },
});

export const getArtifactManifest = operation({
  ...shared,
  name: 'getArtifactManifest',
  path: '/v1/artifacts/:artifactId/manifest',
  summary: 'Show what an artifact’s file is: name, type, bytes, lines and checksums',
  input: z.object({ artifactId: id('art') }),
  reply: manifestReply,
  async handle({ tx, input, caller }) {
    return presentManifest(await findArtifact(tx, caller, input.artifactId));
  },
});
