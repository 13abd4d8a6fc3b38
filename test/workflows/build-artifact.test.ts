import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { ArtifactActivities } from '../../activities/build-artifact';
import { Artifact } from '../../entities/artifact';
import { createOrganization } from '../../entities/create-organization';
import { rebuildArtifact } from '../../entities/end-artifact';
import { BUILD_ARTIFACT, buildArtifactId, BUSINESS_QUEUE } from '../../workflows/contracts';
import { manyEvents, openWorkshop, type Workshop } from '../support/artifacts';
import { freshDatabase, type TestDatabase } from '../support/database';
import { openSkippedTime, workOn } from '../support/skipped-time';
import { until } from '../support/until';

describe('buildArtifact, over a real database', () => {
  let env: TestWorkflowEnvironment;
  let database: TestDatabase;
  let orgId: string;
  /** How often storing fails before it works. */
  let outages = 0;
  let whileStoring: () => Promise<void> = () => Promise.resolve();
  let workshop: Workshop;
  beforeAll(async () => {
    [env, database] = await Promise.all([openSkippedTime(), freshDatabase()]);
  }, 60_000);
  beforeEach(async () => {
    outages = 0;
    whileStoring = () => Promise.resolve();
    const options = { name: 'Acme', planKey: 'team', now: new Date() };
    orgId = (await database.db.transaction((tx) => createOrganization(tx, options))).id;
    workshop = openWorkshop(database, orgId, {
      async beforePut() {
        await whileStoring();
        if (outages-- > 0) throw new Error('the disk is full');
      },
    });
  });
  afterEach(() => workshop.close());
  afterAll(() => Promise.all([env.teardown(), database.close()]), 60_000);

  const rowOf = (id: string): Promise<Artifact> =>
    database.db.getRepository(Artifact).findOneByOrFail({ id });

  async function run(
    id: string,
    act: (signal: (name: string) => Promise<void>) => Promise<void> = () => Promise.resolve(),
    activities: ArtifactActivities = workshop.activities,
  ): Promise<string> {
    const worker = await workOn(env, activities, BUSINESS_QUEUE);
    return worker.runUntil(async () => {
      const handle = await env.client.workflow.signalWithStart(BUILD_ARTIFACT, {
        workflowId: buildArtifactId(id),
        taskQueue: BUSINESS_QUEUE,
        args: [{ artifactId: id }],
        signal: 'wake',
      });
      await act((name) => handle.signal(name));
      return (await handle.result()) as string;
    });
  }

  it('ends ready, whatever the storage takes to come back', async () => {
    await manyEvents(database, orgId, 30);
    const { id } = await workshop.newArtifact();
    outages = 4;
    expect(await run(id)).toBe('ready');
    expect(await rowOf(id)).toMatchObject({ status: 'ready', records: '30' });
    expect(outages).toBe(-1);
  }, 60_000);

  it('gives up after a day and says why', async () => {
    const { id } = await workshop.newArtifact();
    const buildArtifact = (): Promise<never> => Promise.reject(new Error('the disk is full'));
    const activities = { ...workshop.activities, buildArtifact };
    expect(await run(id, undefined, activities)).toBe('failed');
    expect((await rowOf(id)).error).toContain('the disk is full');
  }, 60_000);

  it('builds again when a repair is asked for before it has closed', async () => {
    const { id } = await workshop.newArtifact();
    let stored = 0;
    whileStoring = () => Promise.resolve(void (stored += 1));
    let isAsked = false;
    const activities = {
      ...workshop.activities,
      async buildArtifact(artifactId: string) {
        const view = await workshop.activities.buildArtifact(artifactId);
        if (!isAsked) await until(() => Promise.resolve(isAsked), Boolean);
        return view;
      },
    };
    const end = await run(
      id,
      async (signal) => {
        const built = await until(
          () => rowOf(id),
          ({ status }) => status === 'ready',
        );
        await database.db.transaction((tx) => rebuildArtifact(tx, built, 'req_x', new Date()));
        await signal('wake');
        isAsked = true;
      },
      activities,
    );
    expect([end, stored]).toEqual(['ready', 2]);
  }, 60_000);

  // The last one: the test server skips no time any more once a workflow has closed over an activity under way.
  it('ends failed when an operator’s cancel signal comes first, also while it waits', async () => {
    const late = database.db.createQueryRunner();
    await late.startTransaction();
    await late.query('SELECT pg_current_xact_id()');
    const { id } = await workshop.newArtifact();
    expect(await run(id, (signal) => signal('cancel'))).toBe('failed');
    await late.rollbackTransaction();
    await late.release();
    expect(await rowOf(id)).toMatchObject({ status: 'failed', error: 'cancelled' });
  }, 60_000);
});
