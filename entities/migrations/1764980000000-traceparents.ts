import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Events and commands remember the span that caused them, so that what follows, days later too, joins its trace. */
export class Traceparents1764980000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const table of TABLES) {
      await queryRunner.query(`ALTER TABLE ${table} ADD COLUMN traceparent text`);
    }
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of TABLES) {
      await queryRunner.query(`ALTER TABLE ${table} DROP COLUMN traceparent`);
    }
  }
}

const TABLES = ['events', 'outbox'];
