import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { BuildCursor } from '../../activities/write-artifact';
import { Artifact, artifactObjectKey } from '../../entities/artifact';
import { createOrganization } from '../../entities/create-organization';
import { createDataSource } from '../../entities/data-source';
import { rebuildArtifact } from '../../entities/end-artifact';
import { isSettled } from '../../entities/report';
import { manyEvents, openWorkshop, type Workshop } from '../support/artifacts';
import { freshDatabase, type TestDatabase } from '../support/database';
import { until } from '../support/until';

describe('building an artifact', () => {
  let database: TestDatabase;
  let orgId: string;
  let workshop: Workshop;
  beforeAll(async () => {
    database = await freshDatabase();
  });
  beforeEach(async () => {
    const { db } = database;
    const options = { name: 'Acme', planKey: 'team', now: new Date() };
    orgId = (await db.transaction((tx) => createOrganization(tx, options))).id;
    workshop = openWorkshop(database, orgId);
  });
  afterEach(() => workshop.close());
  afterAll(() => database.close());

  const rowOf = (id: string): Promise<Artifact> =>
    database.db.getRepository(Artifact).findOneByOrFail({ id });
  const pathOf = (artifact: Artifact): string => join(workshop.folder, artifactObjectKey(artifact));
  const textOf = (artifact: Artifact): string => readFileSync(pathOf(artifact), 'utf8');
  const recordsOf = (artifact: Artifact): { id: string }[] =>
    JSON.parse(textOf(artifact)).records as { id: string }[];
  const eventsAbout = async (id: string): Promise<string[]> => {
    const rows = await database.db.query<{ type: string }[]>(
      `SELECT type FROM events WHERE org_id = $1 AND body LIKE '%' || $2 || '%' ORDER BY id`,
      [orgId, id],
    );
    return rows.map(({ type }) => type);
  };
  const workFiles = (): string[] => readdirSync(join(workshop.folder, '.work'));

  /** Has the activity die at a checkpoint, as far as its next attempt can tell; answers what it had told. */
  async function dieAfter(id: string, records: number, resumed?: unknown): Promise<BuildCursor> {
    let told: BuildCursor | undefined;
    const stopAfter = (cursor: unknown): boolean => {
      if (told) return true;
      if (((cursor as BuildCursor | undefined)?.records ?? 0) < records) return false;
      told = cursor as BuildCursor;
      return true;
    };
    await expect(workshop.build(id, { resumed, stopAfter })).rejects.toThrow();
    return told as BuildCursor;
  }

  it('writes every record once, in the order of commits, and what the manifest says of it', async () => {
    const made = await manyEvents(database, orgId, 300);
    const artifact = await workshop.newArtifact();
    await manyEvents(database, orgId, 5);
    const view = await workshop.build(artifact.id);
    expect(view).toMatchObject({ status: 'ready', records: 300 });
    const row = await rowOf(artifact.id);
    expect(recordsOf(row).map(({ id }) => id)).toEqual([...made].sort());
    const text = textOf(row);
    expect(row).toMatchObject({
      byteLength: String(Buffer.byteLength(text)),
      lineCount: String(text.split('\n').length - 1),
      sha1: createHash('sha1').update(text).digest('hex'),
      sha256: createHash('sha256').update(text).digest('hex'),
      records: '300',
      totalRecords: '300',
    });
    expect(workFiles()).toEqual([]);
  });

  it('sums up for longer than a statement may take elsewhere', async () => {
    await manyEvents(database, orgId, 3);
    const { id } = await workshop.newArtifact();
    const impatient = createDataSource({
      url: database.url,
      poolSize: 3,
      applicationName: 'short',
    });
    impatient.setOptions({ extra: { ...impatient.options.extra, statement_timeout: 300 } });
    await impatient.initialize();
    const other = openWorkshop({ db: impatient }, orgId, { folder: workshop.folder });
    let built: Promise<unknown> | undefined;
    await database.db.transaction(async (tx) => {
      await tx.query('LOCK TABLE events IN ACCESS EXCLUSIVE MODE');
      built = other.build(id);
      built.catch(() => undefined);
      await until(
        () =>
          database.db.query<unknown[]>(
            `SELECT 1 FROM pg_stat_activity WHERE application_name = 'short' AND wait_event_type = 'Lock'
               AND now() - query_start > interval '600 ms'`,
          ),
        (waiting) => waiting.length > 0,
      );
    });
    expect(await built).toMatchObject({ status: 'ready', records: 3 });
    await impatient.destroy();
  });

  it('takes in all of large records, and keeps each on its line however its data was written', async () => {
    await manyEvents(database, orgId, 12, { text: 'x'.repeat(2 ** 20) });
    await database.db.query(
      `UPDATE events SET body = '{"data":{' || chr(10) || '"n":1}}', data_start = 8
       WHERE id = (SELECT max(id) FROM events WHERE org_id = $1)`,
      [orgId],
    );
    const artifact = await workshop.newArtifact();
    expect(await workshop.build(artifact.id)).toMatchObject({ status: 'ready', records: 12 });
    const lines = textOf(await rowOf(artifact.id)).split('\n');
    expect(lines.filter((line) => line.startsWith('{"kind":"event"'))).toHaveLength(12);
    expect(lines.some((line) => line.includes('"data":{ "n":1}'))).toBe(true);
  });

  it('is safe to repeat: a second run changes nothing and tells nothing', async () => {
    await manyEvents(database, orgId, 10);
    const { id } = await workshop.newArtifact();
    await workshop.build(id);
    const first = await rowOf(id);
    expect(await workshop.build(id)).toMatchObject({ status: 'ready' });
    expect(await rowOf(id)).toEqual(first);
    expect(await eventsAbout(id)).toEqual(['artifact.created', 'artifact.ready']);
  });

  it.each(['json_bundle', 'csv_tablet', 'markdown_bundle'] as const)(
    'goes on after its last checkpoint without a gap or a repeat (%s), however often it dies',
    async (kind) => {
      await manyEvents(database, orgId, 200);
      const whole = await workshop.newArtifact({ kind });
      await workshop.build(whole.id);
      const broken = { ...whole, id: whole.id };
      await database.db.query(`UPDATE artifacts SET status = 'pending' WHERE id = $1`, [whole.id]);
      const text = textOf(whole);
      await workshop.storage.remove(artifactObjectKey(whole));

      const first = await dieAfter(broken.id, 40);
      expect(existsSync(pathOf(whole))).toBe(false);
      const second = await dieAfter(broken.id, 120, first);
      expect(second.offset).toBeGreaterThan(first.offset);
      expect(await workshop.build(broken.id, { resumed: second })).toMatchObject({
        status: 'ready',
        records: 200,
      });
      expect(textOf(whole)).toBe(text);
      expect(workFiles()).toEqual([]);
    },
  );

  it('drops what was written after the checkpoint, and begins anew where the file is lost', async () => {
    await manyEvents(database, orgId, 100);
    const artifact = await workshop.newArtifact();
    const told = await dieAfter(artifact.id, 30);
    writeFileSync(join(workshop.folder, '.work', told.file), '{"half a rec', { flag: 'a' });
    const again = await dieAfter(artifact.id, 60, told);
    await workshop.build(artifact.id, { resumed: { ...again, file: 'on-another-machine' } });
    expect(new Set(recordsOf(artifact).map(({ id }) => id)).size).toBe(100);
    expect(recordsOf(artifact)).toHaveLength(100);
  });

  it('waits for what was written before it and commits after it', async () => {
    const late = database.db.createQueryRunner();
    await late.startTransaction();
    await manyEvents({ db: late.manager as unknown as TestDatabase['db'] }, orgId, 1);
    await manyEvents(database, orgId, 3);
    const artifact = await workshop.newArtifact();
    const building = workshop.build(artifact.id);
    expect(await isSettled(database.db, artifact)).toBe(false);
    await late.commitTransaction();
    await late.release();
    expect(await building).toMatchObject({ status: 'ready', records: 4 });
  });

  it('is made again to the same bytes, though more was recorded since', async () => {
    await manyEvents(database, orgId, 50);
    const { id } = await workshop.newArtifact({ kind: 'csv_tablet' });
    await workshop.build(id);
    const before = await rowOf(id);
    const text = textOf(before);
    await manyEvents(database, orgId, 50);
    writeFileSync(pathOf(before), 'damaged');
    await database.db.transaction((tx) => rebuildArtifact(tx, before, 'req_repair', new Date()));
    expect(await workshop.build(id)).toMatchObject({ status: 'ready' });
    expect(textOf(before)).toBe(text);
    expect((await rowOf(id)).sha256).toBe(before.sha256);
    expect(await eventsAbout(id)).toEqual([
      'artifact.created',
      'artifact.ready',
      'artifact.reconciled',
    ]);
  });

  it('fails rather than pass other bytes off as the same, where records of its range are gone', async () => {
    await manyEvents(database, orgId, 20);
    const { id } = await workshop.newArtifact();
    await workshop.build(id);
    const before = await rowOf(id);
    await database.db.query(
      `DELETE FROM events WHERE id IN
      (SELECT id FROM events WHERE org_id = $1 ORDER BY id LIMIT 1)`,
      [orgId],
    );
    await database.db.transaction((tx) => rebuildArtifact(tx, before, 'req_repair', new Date()));
    expect(await workshop.build(id)).toMatchObject({ status: 'failed', error: 'records_changed' });
    expect((await rowOf(id)).sha256).toBe(before.sha256);
  });

  it('ends as failed once, and takes its file back when a build comes to its end all the same', async () => {
    await manyEvents(database, orgId, 20);
    const artifact = await workshop.newArtifact();
    const { id } = artifact;
    const beforePut = async (): Promise<void> => void (await workshop.fail(id, 'cancelled'));
    const slow = openWorkshop(database, orgId, { folder: workshop.folder, beforePut });
    expect(await slow.build(id)).toMatchObject({ status: 'failed', error: 'cancelled' });
    expect(existsSync(pathOf(artifact))).toBe(false);
    expect(await workshop.fail(id, 'again')).toMatchObject({ error: 'cancelled' });
    expect(await workshop.build(id)).toMatchObject({ status: 'failed' });
    expect(await eventsAbout(id)).toEqual(['artifact.created', 'artifact.failed']);
  });
});
