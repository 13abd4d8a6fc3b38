import { Column, Entity, PrimaryColumn } from 'typeorm';

export type DeliveryStatus = 'pending' | 'delivered' | 'failed' | 'cancelled';

/** One event on its way to one endpoint. Its attempts are rows of their own. `delivered` is final. */
@Entity('webhook_deliveries')
export class WebhookDelivery {
  @PrimaryColumn({ type: 'text' }) readonly id!: string;
  @Column({ name: 'org_id', type: 'text' }) readonly orgId!: string;
  @Column({ type: 'boolean' }) readonly livemode!: boolean;
  @Column({ name: 'endpoint_id', type: 'text' }) readonly endpointId!: string;
  @Column({ name: 'event_id', type: 'text' }) readonly eventId!: string;
  @Column({ name: 'event_type', type: 'text' }) readonly eventType!: string;
  @Column({ name: 'request_id', type: 'text' }) readonly requestId!: string;
  @Column({ type: 'text' }) status!: DeliveryStatus;
  /** Scheduled outcomes so far: 0 to the schedule's length + 1. Replays and unknown outcomes don't count. */
  @Column({ type: 'int' }) step!: number;
  /** The running number of the last attempt. */
  @Column({ type: 'int' }) attempts!: number;
  /** The waits in seconds between scheduled attempts, as they were when the event came. */
  @Column({ type: 'int', array: true }) readonly schedule!: number[];
  /** When the next scheduled attempt is due; null once the delivery has ended. */
  @Column({ name: 'next_at', type: 'timestamptz', nullable: true }) nextAt!: Date | null;
  @Column({ name: 'window_ends_at', type: 'timestamptz' }) readonly windowEndsAt!: Date;
  /** Whether a workflow owns the attempts to come; until then a worker makes the first one from this table. */
  @Column({ name: 'has_workflow', type: 'boolean' }) hasWorkflow!: boolean;
  /** The id of the attempt being made now. */
  @Column({ name: 'claim_id', type: 'text', nullable: true }) claimId!: string | null;
  @Column({ name: 'claimed_until', type: 'timestamptz', nullable: true })
  claimedUntil!: Date | null;
  @Column({ name: 'created_at', type: 'timestamptz' }) readonly createdAt!: Date;
  @Column({ name: 'finished_at', type: 'timestamptz', nullable: true }) finishedAt!: Date | null;
}

/** The id of the workflow that owns a delivery. */
export function workflowIdOf(deliveryId: string): string {
  return `deliver-webhook:${deliveryId}`;
}
