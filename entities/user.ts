import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A person, known by a mail address and, once they signed in, by the issuer's subject. */
@Entity('users')
export class User {
  @PrimaryColumn({ type: 'text' }) id!: string;
  /** As it was written when first seen. */
  @Column({ type: 'text' }) email!: string;
  /** Normalized: what two spellings of one mailbox share. */
  @Column({ type: 'text' }) address!: string;
  @Column({ type: 'text', nullable: true }) name!: string | null;
  @Column({ type: 'text', nullable: true }) issuer!: string | null;
  @Column({ type: 'text', nullable: true }) subject!: string | null;
  @Column({ name: 'created_at', type: 'timestamptz' }) createdAt!: Date;
}

/** The form in which addresses are compared: without surrounding space, composed (NFKC), in lower case. */
export function normalizeAddress(email: string): string {
  return email.trim().normalize('NFKC').toLowerCase();
}
