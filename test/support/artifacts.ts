import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import {
  createArtifactActivities,
  type ArtifactActivities,
  type ArtifactView,
} from '../../activities/build-artifact';
import type { Artifact } from '../../entities/artifact';
import { createArtifact, type NewArtifact } from '../../entities/create-artifact';
import { STANDARD_SCHEDULE } from '../../entities/delivery-schedule';
import { run, statement } from '../../entities/sql';
import { createLocalDisk, type Storage } from '../../integrations/storage';
import { systemClock } from '../../platform/clock';
import { newId } from '../../platform/ids';
import { startApi, type Answer, type Tenant, type TestApi } from './api';
import type { TestDatabase } from './database';

/** Artifacts below the API: rows, and the activity that builds them, each run as Temporal would. */
export interface Workshop {
  readonly folder: string;
  readonly storage: Storage;
  readonly activities: ArtifactActivities;
  newArtifact(more?: Partial<NewArtifact>): Promise<Artifact>;
  /** Runs the activity once; `resumed` is what an earlier run had told. Stops it, as a cancellation does, once told to. */
  build(
    id: string,
    options?: { resumed?: unknown; stopAfter?: (cursor: unknown) => boolean },
  ): Promise<ArtifactView>;
  fail(id: string, reason: string): Promise<ArtifactView>;
  close(): void;
}

export function openWorkshop(
  { db }: Pick<TestDatabase, 'db'>,
  orgId: string,
  options: {
    readonly folder?: string;
    /** Runs before a file is stored. */
    readonly beforePut?: () => Promise<void>;
  } = {},
): Workshop {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'secapi-artifacts-'));
  const disk = createLocalDisk(folder);
  const storage: Storage = {
    ...disk,
    async put(...file) {
      await options.beforePut?.();
      return disk.put(...file);
    },
  };
  const activities = createArtifactActivities({
    db,
    clock: systemClock,
    schedule: STANDARD_SCHEDULE,
    storage,
    workFolder: join(folder, '.work'),
    wake: () => undefined,
    writing: { checkpointMs: 0, pageBytes: 2_000 },
  });
  return {
    folder,
    storage,
    activities,
    newArtifact: (more = {}) =>
      db.transaction((tx) =>
        createArtifact(
          tx,
          {
            id: newId('art'),
            orgId,
            livemode: true,
            kind: 'json_bundle',
            report: 'events',
            since: null,
            until: null,
            storageMode: 'local',
            intent: null,
            chargeId: newId('chg'),
            requestId: newId('req'),
            requestedBy: newId('key'),
            now: new Date(),
            ...more,
          },
          STANDARD_SCHEDULE,
        ),
      ),
    build(id, { resumed, stopAfter } = {}) {
      const env = new MockActivityEnvironment({ heartbeatDetails: resumed });
      env.on('heartbeat', (cursor: unknown) => {
        if (stopAfter?.(cursor)) env.cancel();
      });
      return env.run<[string], ArtifactView, (id: string) => Promise<ArtifactView>>(
        activities.buildArtifact,
        id,
      );
    },
    fail: (id, reason) => activities.failArtifact(id, reason),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const insertEvents = statement<{ id: string }>(
  'test-insert-events',
  `WITH made AS (SELECT n, 'evt_' || replace(uuidv7()::text, '-', '') AS id FROM generate_series(1, $2::int) n)
   INSERT INTO events (id, org_id, livemode, type, body, data_start, request_id, occurred_at, created_at)
   SELECT id, $1, true, 'filing.published', '{"object":"event","data":' || data || '}',
     length('{"object":"event","data":'), 'req_made', $3, $3
   FROM made, LATERAL (SELECT jsonb_build_object('n', n, 'text', $4::text)::text AS data) d RETURNING id`,
);

/** Stores many events at once, without deliveries. */
export async function manyEvents(
  { db }: Pick<TestDatabase, 'db'>,
  orgId: string,
  count: number,
  options: { readonly at?: Date; readonly text?: string } = {},
): Promise<string[]> {
  const { at = new Date(), text = 'x' } = options;
  const rows = await run(db, insertEvents, [orgId, count, at, text]);
  return rows.map(({ id }) => id);
}

/** An API with an organization of its own for each test, and the workshop that builds its artifacts. */
export interface ArtifactDesk {
  readonly api: TestApi;
  readonly workshop: Workshop;
  /** May be another one: the next artifact is then asked for by it. */
  acme: Tenant;
  /** By how much the API's clock is ahead. */
  aheadMs: number;
  create(body?: object, headers?: Record<string, string>, tenant?: Tenant): Promise<Answer>;
  /** One that is ready, with so many events in it. */
  ready(body?: object, events?: number): Promise<Answer['body']>;
  /** The number `n` of a statement over the organization $1. */
  count(text: string): Promise<number>;
}

/** Opens a desk for the tests of the `describe` that calls it; it is there once the first of them begins. */
export function artifactDesk(): ArtifactDesk {
  let api: TestApi;
  const desk: ArtifactDesk = {
    get api() {
      return api;
    },
    get workshop() {
      return openWorkshop(api.database, desk.acme.orgId, { folder: api.config.ARTIFACTS_FOLDER });
    },
    acme: undefined as unknown as Tenant,
    aheadMs: 0,
    create: (body = {}, headers = {}, tenant = desk.acme) =>
      tenant.call('POST', '/v1/artifacts', { kind: 'json_bundle', ...body }, headers),
    async ready(body = {}, events = 3) {
      await manyEvents(api.database, desk.acme.orgId, events);
      const { body: artifact } = await desk.create(body);
      await desk.workshop.build(artifact.id as string);
      return (await desk.acme.call('GET', `/v1/artifacts/${artifact.id}`)).body;
    },
    async count(text) {
      const rows = await api.database.db.query<{ n: number }[]>(text, [desk.acme.orgId]);
      return rows[0]?.n ?? 0;
    },
  };
  beforeAll(async () => {
    api = await startApi({}, { now: () => new Date(Date.now() + desk.aheadMs) });
  });
  beforeEach(async () => {
    desk.aheadMs = 0;
    desk.acme = await api.newTenant();
  });
  afterAll(async () => {
    rmSync(api.config.ARTIFACTS_FOLDER, { recursive: true, force: true });
    await api.close();
  });
  return desk;
}
