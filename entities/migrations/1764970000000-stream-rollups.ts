import { MigrationOfStatements } from '../migration-of-statements';

/**
 * Counts of streams' records by hour and day, with the positions between which the counted records stand. Records that
 * are there already are folded by the worker, from the first.
 */
export class StreamRollups1764970000000 extends MigrationOfStatements {
  constructor() {
    super(UP, DOWN);
  }
}

const ID = 'text COLLATE "C"';

const UP = [
  `CREATE TABLE stream_rollups (
    org_id ${ID} NOT NULL,
    grain text NOT NULL CHECK (grain IN ('hour', 'day')),
    starts_at timestamptz NOT NULL,
    stream_id ${ID} NOT NULL,
    event_type text NOT NULL,
    count bigint NOT NULL,
    last_seen_at timestamptz NOT NULL,
    first_xid xid8 NOT NULL,
    last_xid xid8 NOT NULL,
    first_id ${ID} NOT NULL,
    last_id ${ID} NOT NULL,
    PRIMARY KEY (org_id, grain, starts_at, stream_id, event_type)
  ) WITH (fillfactor = 70)`,
  `INSERT INTO rollup_marks VALUES ('stream_events', '0')`,
];

const DOWN = [`DELETE FROM rollup_marks WHERE name = 'stream_events'`, 'DROP TABLE stream_rollups'];
