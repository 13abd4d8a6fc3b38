import { Column, Entity, PrimaryColumn } from 'typeorm';

export type AttemptTrigger = 'schedule' | 'replay';

/** One request to an endpoint and what came of it. Written once, never changed. */
@Entity('webhook_attempts')
export class WebhookAttempt {
  @PrimaryColumn({ type: 'text' }) readonly id!: string;
  @Column({ name: 'delivery_id', type: 'text' }) readonly deliveryId!: string;
  @Column({ name: 'org_id', type: 'text' }) readonly orgId!: string;
  @Column({ type: 'boolean' }) readonly livemode!: boolean;
  @Column({ name: 'endpoint_id', type: 'text' }) readonly endpointId!: string;
  @Column({ name: 'event_id', type: 'text' }) readonly eventId!: string;
  @Column({ name: 'event_type', type: 'text' }) readonly eventType!: string;
  @Column({ name: 'request_id', type: 'text' }) readonly requestId!: string;
  @Column({ type: 'int' }) readonly attempt!: number;
  @Column({ type: 'text' }) readonly trigger!: AttemptTrigger;
  @Column({ name: 'replay_id', type: 'text', nullable: true }) readonly replayId!: string | null;
  @Column({ name: 'replayed_from', type: 'text', nullable: true })
  readonly replayedFrom!: string | null;
  @Column({ name: 'destination_url', type: 'text' }) readonly destinationUrl!: string;
  @Column({ name: 'http_status', type: 'int', nullable: true }) readonly httpStatus!: number | null;
  @Column({ type: 'boolean' }) readonly ok!: boolean;
  @Column({ type: 'text', nullable: true }) readonly error!: string | null;
  @Column({ name: 'latency_ms', type: 'int', nullable: true }) readonly latencyMs!: number | null;
  @Column({ name: 'response_body', type: 'text', nullable: true })
  readonly responseBody!: string | null;
  @Column({ name: 'created_at', type: 'timestamptz' }) readonly createdAt!: Date;
  @Column({ name: 'ended_at', type: 'timestamptz', nullable: true }) readonly endedAt!: Date | null;
}
