import { Column, Entity, PrimaryColumn } from 'typeorm';

export type BillingState =
  | 'sandbox_grant'
  | 'payg_pending_card'
  | 'payg_active'
  | 'personal_active'
  | 'team_active'
  | 'commercial_active'
  | 'payment_failed'
  | 'restricted_read_only';

/** A customer: the tenant that everything else belongs to. It holds both modes; its keys decide which one a caller sees. */
@Entity('organizations')
export class Organization {
  @PrimaryColumn({ type: 'text' }) id!: string;
  @Column({ type: 'text', nullable: true }) name!: string | null;
  @Column({ type: 'jsonb' }) metadata!: Record<string, unknown>;
  @Column({ name: 'plan_key', type: 'text' }) planKey!: string;
  @Column({ name: 'billing_state', type: 'text' }) billingState!: BillingState;
  @Column({ name: 'requests_per_minute', type: 'int', nullable: true })
  requestsPerMinute!: number | null;
  @Column({ name: 'api_key_limit', type: 'int', nullable: true }) apiKeyLimit!: number | null;
  @Column({ name: 'seat_limit', type: 'int', nullable: true }) seatLimit!: number | null;
  @Column({ name: 'spend_cap_cents', type: 'bigint', nullable: true }) spendCapCents!:
    string | null;
  @Column({ name: 'soft_cap_cents', type: 'bigint', nullable: true }) softCapCents!: string | null;
  @Column({ name: 'approval_threshold_cents', type: 'bigint', nullable: true })
  approvalThresholdCents!: string | null;
  @Column({ name: 'require_other_approver', type: 'boolean', default: false })
  requireOtherApprover!: boolean;
  @Column({ name: 'card_on_file', type: 'boolean', default: false }) cardOnFile!: boolean;
  @Column({ name: 'suspended_at', type: 'timestamptz', nullable: true }) suspendedAt!: Date | null;
  @Column({ name: 'created_at', type: 'timestamptz' }) createdAt!: Date;
}

/** The billing state of an organization whose plan an operator sets: in force at once, with no card asked. */
export function stateOfPlan(planKey: string): BillingState {
  return planKey === 'sandbox_grant' ? 'sandbox_grant' : (`${planKey}_active` as BillingState);
}
