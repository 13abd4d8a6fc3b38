import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Something that happened. Its body is stored as the bytes that every attempt and replay sends. */
@Entity('events')
export class Event {
  @PrimaryColumn({ type: 'text' }) readonly id!: string;
  @Column({ name: 'org_id', type: 'text' }) readonly orgId!: string;
  @Column({ type: 'boolean' }) readonly livemode!: boolean;
  @Column({ type: 'text' }) readonly type!: string;
  /** The transaction that stored it: with the id, its place in the order of commits. */
  @Column({ type: 'text', insert: false, update: false }) readonly xid!: string;
  /** The delivered JSON. */
  @Column({ type: 'text' }) readonly body!: string;
  /** Where the source text of `data`, the body's last member, begins (UTF-16 units). */
  @Column({ name: 'data_start', type: 'int' }) readonly dataStart!: number;
  @Column({ name: 'request_id', type: 'text' }) readonly requestId!: string;
  @Column({ name: 'occurred_at', type: 'timestamptz' }) readonly occurredAt!: Date;
  @Column({ name: 'created_at', type: 'timestamptz' }) readonly createdAt!: Date;
  @Column({ name: 'producer_id', type: 'text', nullable: true }) readonly producerId!:
    string | null;
}

export interface EventContent {
  readonly id: string;
  readonly type: string;
  readonly orgId: string;
  readonly livemode: boolean;
  readonly requestId: string;
  readonly createdAt: Date;
  readonly occurredAt: Date;
  /** The source text of `data`, as the producer sent it. */
  readonly dataText: string;
}

/** The delivered body and where `data` begins in it. `data` is spliced as it came, so numbers and escapes survive. */
export function eventBody(event: EventContent): { body: string; dataStart: number } {
  const head = JSON.stringify({
    object: 'event',
    id: event.id,
    type: event.type,
    createdAt: event.createdAt.toISOString(),
    occurredAt: event.occurredAt.toISOString(),
    livemode: event.livemode,
    orgId: event.orgId,
    requestId: event.requestId,
  });
  const start = `${head.slice(0, -1)},"data":`;
  return { body: `${start}${event.dataText}}`, dataStart: start.length };
}

/** The source text of `data` in a stored body. */
export function dataTextOf(event: { body: string; dataStart: number }): string {
  return event.body.slice(event.dataStart, -1);
}
