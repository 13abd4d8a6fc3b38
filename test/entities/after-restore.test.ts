import { settleRestored } from '../../entities/after-restore';
import { leaseCommands } from '../../entities/outbox';
import { openSandbox, type Sandbox } from '../support/sandbox';

describe('after a restore', () => {
  let sandbox: Sandbox;
  const now = new Date();
  const settle = async () =>
    Object.fromEntries(
      Object.entries(await settleRestored(sandbox.db, now)).filter(([, rows]) => rows > 0),
    );
  beforeAll(async () => {
    sandbox = await openSandbox({ now: () => now });
    await sandbox.newEndpoint('https://example.com/');
    const { id } = await sandbox.publish();
    const { orgId, db } = sandbox;
    await sandbox.publish();
    await db.query(`UPDATE webhook_deliveries SET has_workflow = true WHERE event_id = $1`, [id]);
    await db.query(
      `INSERT INTO budget_approvals (id, org_id, period, budget_seq, ceiling_micros, status, threshold_cents,
         accrued_micros, requested_by, request_id, created_at, expires_at)
       SELECT 'bap_' || status, $1, '2026-01', 0, 1, status, 1, 1, 'x', 'req_x', now(), now()
       FROM unnest(ARRAY['pending', 'approved']) status`,
      [orgId],
    );
    await db.query(
      `INSERT INTO checkouts (id, org_id, mode, plan_key, seats, success_url, cancel_url, status, requested_by,
         request_id, created_at, expires_at)
       SELECT 'chk_' || status, $1, 'subscription', 'team', 1, 'x', 'x', status, 'x', 'req_x', now(), now()
       FROM unnest(ARRAY['open', 'completed']) status`,
      [orgId],
    );
    await db.query(
      `INSERT INTO mails (id, org_id, recipients, subject, body_sealed, created_at, sent_at)
       VALUES ('mail_a', $1, '{}', 's', 'x', now(), NULL), ('mail_b', $1, '{}', 's', NULL, now(), now())`,
      [orgId],
    );
  });
  afterAll(() => sandbox.close());

  it('the workflow of everything that waits is asked for anew, once', async () => {
    expect(await settle()).toEqual({
      'webhook_deliveries asked for anew': 1,
      'budget_approvals asked for anew': 1,
      'checkouts asked for anew': 1,
      'mails asked for anew': 1,
    });
    expect(await settle()).toEqual({});
    const commands = await leaseCommands(sandbox.db, now, 10, 10);
    expect(commands.map(({ kind }) => kind).sort()).toEqual([
      'send_mail',
      'start_approval',
      'start_checkout',
      'start_delivery',
    ]);
    for (const { payload } of commands) expect(payload).toHaveProperty('orgId', sandbox.orgId);
  });

  it('rows of a dump stand before everything new, by id, and nothing hides them', async () => {
    await sandbox.db.query(`UPDATE events SET xid = '99999999999'`);
    expect(await settle()).toEqual({ 'events put in order': 2 });
    const { id } = await sandbox.publish();
    const rows: { id: string }[] = await sandbox.db.query(`SELECT id FROM events ORDER BY xid, id`);
    expect(rows.at(-1)?.id).toBe(id);
    expect(rows.map((row) => row.id)).toEqual(rows.map((row) => row.id).sort());
    expect(await settle()).toEqual({});
  });
});
