import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { artifactObjectKey, type Artifact } from '../../entities/artifact';
import type { Answer } from '../support/api';
import { artifactDesk } from '../support/artifacts';
import { until } from '../support/until';

describe('reconciling an artifact', () => {
  const desk = artifactDesk();
  const pathOf = (artifact: Artifact): string =>
    join(desk.workshop.folder, artifactObjectKey(artifact));
  const reconcile = (id: string, headers = {}): Promise<Answer> =>
    desk.acme.call('POST', `/v1/artifacts/${id}/reconcile`, undefined, headers);
  const asked = (): Promise<number> =>
    desk.count(`SELECT count(*)::int AS n FROM artifacts WHERE org_id = $1 AND status = 'pending'`);

  it('confirms a whole file, tells so and is audited', async () => {
    const { id } = await desk.ready();
    expect((await reconcile(id as string)).body).toMatchObject({
      object: 'artifact_reconciliation',
      id,
      artifactId: id,
      status: 'local_only',
      storageMode: 'local',
      objectKey: `${desk.acme.orgId}/${id}.json`,
    });
    const events = (await desk.acme.call('GET', '/v1/events?type=artifact.reconciled')).body.data;
    expect(events).toMatchObject([{ data: { artifactId: id, outcome: 'local_only' } }]);
    const { data } = (await desk.acme.call('GET', '/v1/audit/records')).body;
    expect(data.map(({ action }: { action: string }) => action)).toEqual([
      'artifact.reconciled',
      'artifact.ready',
      'artifact.created',
    ]);
    expect((await desk.acme.call('GET', '/v1/audit/verify')).body.ok).toBe(true);
  });

  it.each(['damaged', 'missing'])('makes a %s file again, to the same bytes', async (how) => {
    const artifact = await desk.ready();
    const id = artifact.id as string;
    const before = await desk.acme.call('GET', `/v1/artifacts/${id}/download`);
    if (how === 'missing') rmSync(pathOf(artifact as Artifact));
    else writeFileSync(pathOf(artifact as Artifact), before.text.slice(1));
    expect((await desk.acme.call('GET', `/v1/artifacts/${id}/download`)).body).toMatchObject({
      code: 'conflict',
      details: { reason: 'file_damaged' },
    });
    const answer = reconcile(id, { 'x-request-id': `repair-${how}` });
    await until(asked, (n) => n === 1);
    expect((await reconcile(id)).body).toMatchObject({ code: 'conflict' });
    await desk.workshop.build(id);
    expect((await answer).body).toMatchObject({ status: 'recovered' });
    expect((await desk.acme.call('GET', `/v1/artifacts/${id}/download`)).text).toBe(before.text);
    const told = await desk.acme.call('GET', `/v1/diagnostics/requests/repair-${how}?explain=true`);
    expect(told.body).toMatchObject({ artifacts: [{ id }], summary: { artifactCount: 1 } });
    expect(told.body.events.map(({ type }: { type: string }) => type)).toEqual([
      'artifact.reconciled',
    ]);
  });

  it('says clearly that a file can’t be made again, and notices when it comes back', async () => {
    const artifact = await desk.ready();
    const id = artifact.id as string;
    const { text } = await desk.acme.call('GET', `/v1/artifacts/${id}/download`);
    rmSync(pathOf(artifact as Artifact));
    await desk.api.database.db.query(
      `DELETE FROM events WHERE org_id = $1 AND type LIKE 'filing.%'`,
      [desk.acme.orgId],
    );
    const answer = reconcile(id);
    await until(asked, (n) => n === 1);
    await desk.workshop.build(id);
    expect((await answer).body).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('no longer kept'),
      details: { status: 'failed', reason: 'records_changed' },
    });
    expect((await desk.acme.call('GET', `/v1/artifacts/${id}/download`)).body.code).toBe(
      'conflict',
    );
    writeFileSync(pathOf(artifact as Artifact), text);
    expect((await reconcile(id)).body).toMatchObject({ status: 'recovered' });
    expect((await desk.acme.call('GET', `/v1/artifacts/${id}/download`)).text).toBe(text);
  });
});
