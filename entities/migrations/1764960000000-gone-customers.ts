import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A customer that was deleted at Stripe is known as gone, so that another can take its place. */
export class GoneCustomers1764960000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE billing_customers ADD COLUMN gone_at timestamptz');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE billing_customers DROP COLUMN gone_at');
  }
}
