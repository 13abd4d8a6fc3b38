import { Column, Entity, PrimaryColumn } from 'typeorm';

export type EndpointStatus = 'active' | 'disabled';

/** Where an organization wants its events: one URL, one signing secret (two in a rotation's overlap). */
@Entity('webhook_endpoints')
export class WebhookEndpoint {
  @PrimaryColumn({ type: 'text' }) id!: string;
  @Column({ name: 'org_id', type: 'text' }) orgId!: string;
  @Column({ type: 'boolean' }) livemode!: boolean;
  @Column({ name: 'destination_url', type: 'text' }) destinationUrl!: string;
  @Column({ type: 'text', nullable: true }) description!: string | null;
  /** Patterns of event types; none means every type. */
  @Column({ name: 'subscribed_event_types', type: 'text', array: true })
  subscribedEventTypes!: string[];
  @Column({ type: 'text' }) status!: EndpointStatus;
  @Column({ name: 'secret_sealed', type: 'text' }) secretSealed!: string;
  @Column({ name: 'previous_secret_sealed', type: 'text', nullable: true })
  previousSecretSealed!: string | null;
  @Column({ name: 'previous_secret_until', type: 'timestamptz', nullable: true })
  previousSecretUntil!: Date | null;
  /** Since when every attempt has failed; null after a success. */
  @Column({ name: 'failing_since', type: 'timestamptz', nullable: true })
  failingSince!: Date | null;
  /** Hours of failing that were told of, since then. */
  @Column({ name: 'failing_told', type: 'int' }) failingTold!: number;
  /** Attempts a second that it takes at most; null: as many as come. */
  @Column({ name: 'max_per_second', type: 'int', nullable: true })
  maxPerSecond!: number | null;
  @Column({ name: 'last_delivered_at', type: 'timestamptz', nullable: true })
  lastDeliveredAt!: Date | null;
  @Column({ name: 'created_at', type: 'timestamptz' }) createdAt!: Date;
  @Column({ name: 'updated_at', type: 'timestamptz' }) updatedAt!: Date;
  @Column({ name: 'deleted_at', type: 'timestamptz', nullable: true }) deletedAt!: Date | null;
}
