import { Column, Entity, PrimaryColumn } from 'typeorm';
import { SCOPES, type Scope } from './api-key';

export const ROLES = ['owner', 'admin', 'member'] as const;
export type Role = (typeof ROLES)[number];

/** A person's place in an organization. It takes a seat. */
@Entity('members')
export class Member {
  @PrimaryColumn({ name: 'org_id', type: 'text' }) orgId!: string;
  @PrimaryColumn({ name: 'user_id', type: 'text' }) userId!: string;
  @Column({ type: 'text' }) role!: Role;
  @Column({ name: 'created_at', type: 'timestamptz' }) createdAt!: Date;
}

const ALL: readonly Scope[] = SCOPES.filter((scope) => scope !== 'admin:operator');

/** What a role may do in a session. Owners and admins differ in that only owners make and unmake owners. */
export const SCOPES_OF_ROLE: Readonly<Record<Role, readonly Scope[]>> = {
  owner: ALL,
  admin: ALL,
  member: ['read:sec', 'write:sec', 'write:artifacts', 'billing:read', 'events:publish'],
};
