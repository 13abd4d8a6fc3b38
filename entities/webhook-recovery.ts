import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Fault } from '../platform/fault';
import type { Executor } from './sql';

export type RecoveryStatus = 'running' | 'paused' | 'done' | 'cancelled';

/**
 * The replay of everything that had failed at an endpoint when it started, once each. At every moment
 * succeeded + failed ≤ replayed ≤ total; what lies between is in flight.
 */
@Entity('webhook_recoveries')
export class WebhookRecovery {
  @PrimaryColumn({ type: 'text' }) readonly id!: string;
  @Column({ name: 'org_id', type: 'text' }) readonly orgId!: string;
  @Column({ type: 'boolean' }) readonly livemode!: boolean;
  @Column({ name: 'endpoint_id', type: 'text' }) readonly endpointId!: string;
  @Column({ type: 'text' }) readonly status!: RecoveryStatus;
  /** Deliveries created at or after this … */
  @Column({ type: 'timestamptz' }) readonly since!: Date;
  /** … and before this. */
  @Column({ type: 'timestamptz' }) readonly until!: Date;
  /** The rate that is never exceeded. */
  @Column({ name: 'per_second', type: 'int' }) readonly perSecond!: number;
  /** The rate now: it eases off while the endpoint fails. */
  @Column({ type: 'double precision' }) readonly rate!: number;
  /** When the next page may begin. */
  @Column({ name: 'next_at', type: 'timestamptz' }) readonly nextAt!: Date;
  @Column({ type: 'int' }) readonly total!: number;
  /** Attempts that were claimed. */
  @Column({ type: 'int' }) readonly replayed!: number;
  @Column({ type: 'int' }) readonly succeeded!: number;
  /** Attempts that failed, and those whose outcome nobody knows. */
  @Column({ type: 'int' }) readonly failed!: number;
  @Column({ name: 'request_id', type: 'text' }) readonly requestId!: string;
  @Column({ name: 'created_at', type: 'timestamptz' }) readonly createdAt!: Date;
  @Column({ name: 'updated_at', type: 'timestamptz' }) readonly updatedAt!: Date;
  @Column({ name: 'finished_at', type: 'timestamptz', nullable: true })
  readonly finishedAt!: Date | null;
}

/** The id of the workflow that carries a recovery out. */
export function recoveryWorkflowId(recoveryId: string): string {
  return `recover:${recoveryId}`;
}

/** What events and audit records tell of a recovery. */
export function recoveryFacts(recovery: WebhookRecovery): Record<string, unknown> {
  const { endpointId, status, total, replayed, succeeded, failed, perSecond } = recovery;
  const [since, until] = [recovery.since.toISOString(), recovery.until.toISOString()];
  return {
    webhookId: endpointId,
    status,
    since,
    until,
    perSecond,
    total,
    replayed,
    succeeded,
    failed,
  };
}

/** An endpoint's recovery. Throws not_found. */
export async function findRecovery(
  db: Executor,
  endpointId: string,
  recoveryId: string,
): Promise<WebhookRecovery> {
  const recovery = await db
    .getRepository(WebhookRecovery)
    .findOneBy({ id: recoveryId, endpointId });
  if (!recovery) throw new Fault('not_found');
  return recovery;
}
