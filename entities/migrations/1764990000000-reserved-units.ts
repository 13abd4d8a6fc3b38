import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What was reserved stays known when less is settled, so that the key answers only to what it was used for. */
export class ReservedUnits1764990000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE charges ADD COLUMN reserved_units bigint');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE charges DROP COLUMN reserved_units');
  }
}
