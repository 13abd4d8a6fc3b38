import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Fault } from '../platform/fault';
import type { Executor } from './sql';

export const ARTIFACT_KINDS = ['json_bundle', 'csv_tablet', 'markdown_bundle'] as const;
export type ArtifactKind = (typeof ARTIFACT_KINDS)[number];
export const ARTIFACT_REPORTS = ['events', 'usage', 'deliveries', 'audit'] as const;
export type ArtifactReport = (typeof ARTIFACT_REPORTS)[number];
export const ARTIFACT_STATUSES = ['pending', 'ready', 'failed'] as const;
export type ArtifactStatus = (typeof ARTIFACT_STATUSES)[number];

/**
 * A durable export. What it holds is fixed when it is asked for: what was committed below `belowXid` (audit: up to
 * `upToSeq`), from `since` to before `until`. So the same bytes can be built again.
 */
@Entity('artifacts')
export class Artifact {
  @PrimaryColumn({ type: 'text' }) readonly id!: string;
  @Column({ name: 'org_id', type: 'text' }) readonly orgId!: string;
  @Column({ type: 'boolean' }) readonly livemode!: boolean;
  @Column({ type: 'text' }) readonly kind!: ArtifactKind;
  @Column({ type: 'text' }) readonly report!: ArtifactReport;
  @Column({ type: 'timestamptz', nullable: true }) readonly since!: Date | null;
  @Column({ type: 'timestamptz', nullable: true }) readonly until!: Date | null;
  @Column({ name: 'below_xid', type: 'text' }) readonly belowXid!: string;
  @Column({ name: 'up_to_seq', type: 'bigint' }) readonly upToSeq!: string;
  @Column({ type: 'text' }) readonly status!: ArtifactStatus;
  /** Why it failed: cancelled, records_changed, or what went wrong. */
  @Column({ type: 'text', nullable: true }) readonly error!: string | null;
  /** Written so far. */
  @Column({ type: 'bigint' }) readonly records!: string;
  /** Null until the build has counted them. */
  @Column({ name: 'total_records', type: 'bigint', nullable: true })
  readonly totalRecords!: string | null;
  @Column({ name: 'storage_mode', type: 'text' }) readonly storageMode!: 'local' | 'r2';
  @Column({ name: 'object_key', type: 'text', nullable: true }) readonly objectKey!: string | null;
  @Column({ name: 'byte_length', type: 'bigint', nullable: true })
  readonly byteLength!: string | null;
  @Column({ name: 'line_count', type: 'bigint', nullable: true }) readonly lineCount!:
    string | null;
  @Column({ type: 'text', nullable: true }) readonly sha1!: string | null;
  @Column({ type: 'text', nullable: true }) readonly sha256!: string | null;
  @Column({ name: 'charge_id', type: 'text', nullable: true }) readonly chargeId!: string | null;
  @Column({ name: 'request_id', type: 'text' }) readonly requestId!: string;
  @Column({ name: 'requested_by', type: 'text' }) readonly requestedBy!: string;
  /** The request that asked to repair it; null while nobody has. */
  @Column({ name: 'repair_request_id', type: 'text', nullable: true })
  readonly repairRequestId!: string | null;
  @Column({ name: 'created_at', type: 'timestamptz' }) readonly createdAt!: Date;
  @Column({ name: 'finished_at', type: 'timestamptz', nullable: true })
  readonly finishedAt!: Date | null;
}

/** How the files of each kind are called and typed. */
export const ARTIFACT_FILES: Record<ArtifactKind, { extension: string; contentType: string }> = {
  json_bundle: { extension: 'json', contentType: 'application/json; charset=utf-8' },
  csv_tablet: { extension: 'csv', contentType: 'text/csv; charset=utf-8' },
  markdown_bundle: { extension: 'md', contentType: 'text/markdown; charset=utf-8' },
};

type Named = Pick<Artifact, 'id' | 'orgId' | 'kind' | 'report'>;

/** The name a person saves it under. */
export function artifactFilename({ id, kind, report }: Named): string {
  return `${report}-${id}.${ARTIFACT_FILES[kind].extension}`;
}

/** Where its bytes are kept. */
export function artifactObjectKey({ id, orgId, kind }: Named): string {
  return `${orgId}/${id}.${ARTIFACT_FILES[kind].extension}`;
}

/** An organization's artifact. Throws not_found; to a test key a live one is none. */
export async function findArtifact(
  db: Executor,
  caller: { readonly orgId: string; readonly livemode: boolean },
  id: string,
): Promise<Artifact> {
  const artifact = await db.getRepository(Artifact).findOneBy({ id, orgId: caller.orgId });
  if (!artifact || (artifact.livemode && !caller.livemode)) throw new Fault('not_found');
  return artifact;
}
