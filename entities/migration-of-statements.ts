import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A migration that is nothing but statements, run in their order. TypeORM knows it by the name of its own class. */
export abstract class MigrationOfStatements implements MigrationInterface {
  constructor(
    private readonly forth: readonly string[],
    private readonly back: readonly string[],
  ) {}

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of this.forth) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const statement of this.back) await queryRunner.query(statement);
  }
}
