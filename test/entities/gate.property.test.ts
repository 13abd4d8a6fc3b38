import * as fc from 'fast-check';
import { loadCatalog } from '../../catalog/load-catalog';
import { readPeriod } from '../../entities/budget-period';
import { readApproval } from '../../entities/budget-approval';
import { approvalMailing } from '../../entities/approval-mail';
import { changeBudget } from '../../entities/change-budget';
import { createOrganization } from '../../entities/create-organization';
import { decideApproval } from '../../entities/decide-approval';
import { STANDARD_SCHEDULE } from '../../entities/delivery-schedule';
import { ceilingOf, judge } from '../../entities/gate';
import { openApproval } from '../../entities/open-approval';
import { createGate } from '../../entities/gate-queue';
import { priceUsage } from '../../entities/price-usage';
import { releaseExpired, settleReservation } from '../../entities/settle-charge';
import { Fault } from '../../platform/fault';
import { testConfig } from '../support/config';
import { freshDatabase, type TestDatabase } from '../support/database';

const NOW = new Date('2026-03-19T12:00:00.000Z');
const LATER = new Date('2026-03-19T13:00:00.000Z');
const PERIOD = '2026-03';
const CLASSES = ['heavy_extract', 'artifact_jobs', 'intelligence_query', 'control_plane'] as const;

type Act =
  | { kind: 'authorize'; meterClass: (typeof CLASSES)[number]; units: number; reserve: boolean }
  | { kind: 'settle'; pick: number; act: 'commit' | 'release'; part: number }
  | { kind: 'approve'; upToCents: number };

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('authorize' as const),
      meterClass: fc.constantFrom(...CLASSES),
      units: fc.integer({ min: 1, max: 12 }),
      reserve: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      pick: fc.nat(50),
      act: fc.constantFrom('commit' as const, 'release' as const),
      part: fc.integer({ min: 0, max: 100 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('approve' as const),
      upToCents: fc.integer({ min: 1, max: 60 }),
    }),
  },
);

const story = fc.record({
  planKey: fc.constantFrom('payg', 'team', 'sandbox_grant', 'commercial'),
  capCents: fc.option(fc.integer({ min: 0, max: 60 })),
  thresholdPart: fc.option(fc.integer({ min: 0, max: 100 })),
  grantUsed: fc.integer({ min: 240, max: 250 }),
  acts: fc.array(act, { minLength: 5, maxLength: 40 }),
});

describe('any order of authorize, commit, release and approve', () => {
  let database: TestDatabase;
  const catalog = loadCatalog();
  beforeAll(async () => {
    database = await freshDatabase();
  });
  afterAll(() => database.close());

  it('keeps gated spend within the cap, accrued equal to the charges, and leaks nothing held', async () => {
    const { db } = database;
    const gate = createGate(db);
    const mailing = approvalMailing(testConfig(database.url));
    await fc.assert(
      fc.asyncProperty(story, async ({ planKey, capCents, thresholdPart, grantUsed, acts }) => {
        const { id: orgId } = await db.transaction((tx) =>
          createOrganization(tx, { name: null, planKey, now: NOW }),
        );
        const threshold =
          thresholdPart === null ? null : Math.floor(((capCents ?? 60) * thresholdPart) / 100);
        await db.transaction((tx) =>
          changeBudget(
            tx,
            orgId,
            { spendCapCents: capCents, approvalThresholdCents: threshold },
            PERIOD,
          ),
        );
        if (planKey === 'sandbox_grant') {
          await db.query(
            `INSERT INTO budget_periods (org_id, period, grant_used) VALUES ($1, $2, $3)
             ON CONFLICT (org_id, period) DO UPDATE SET grant_used = $3`,
            [orgId, PERIOD, grantUsed],
          );
        }
        const reserved: { id: string; units: number }[] = [];
        for (const [i, step] of acts.entries()) {
          if (step.kind === 'authorize') {
            const price = priceUsage(catalog, planKey, step.meterClass);
            const quoted = judge(await readPeriod(db, orgId, PERIOD), price, step.units);
            const answer = await gate.pass({
              orgId,
              period: PERIOD,
              key: `k-${i}`,
              price,
              units: step.units,
              reserveUntil: step.reserve ? new Date(NOW.getTime() + 60_000) : null,
              requestId: 'req_x',
              principalId: 'key_x',
              now: NOW,
            });
            expect(answer.kind === 'refused' ? answer.refusal : null).toBe(quoted);
            if (answer.kind === 'passed' && step.reserve) {
              reserved.push({ id: answer.charge.id, units: step.units });
            }
          } else if (step.kind === 'settle' && reserved.length > 0) {
            const index = step.pick % reserved.length;
            const [charge] = reserved.splice(index, 1);
            if (charge) {
              const units = Math.floor((charge.units * step.part) / 100);
              await db.transaction((tx) =>
                settleReservation(tx, {
                  chargeId: charge.id,
                  owner: { orgId: null, livemode: true },
                  act: step.act,
                  units,
                  now: NOW,
                }),
              );
            }
          } else if (step.kind === 'approve') {
            await approve(orgId, step.upToCents);
          }
          await check(orgId);
        }
        await db.transaction((tx) => releaseExpired(tx, LATER));
        const end = await readPeriod(db, orgId, PERIOD);
        expect(end.heldMicros).toBe(0n);
        expect(end.grantHeld).toBe(0);
        await check(orgId);
      }),
      { numRuns: 60 },
    );

    async function approve(orgId: string, upToCents: number): Promise<void> {
      const asked = await db.transaction((tx) =>
        openApproval(tx, {
          orgId,
          period: PERIOD,
          requestedBy: 'key_x',
          requestId: 'req_x',
          now: NOW,
          schedule: STANDARD_SCHEDULE,
          mailing,
          byHand: { upToMicros: null, note: null, actor: { type: 'system', id: null } },
        }),
      );
      if (!asked) return;
      const before = ceilingOf(await readPeriod(db, orgId, PERIOD));
      try {
        await db.transaction((tx) =>
          decideApproval(tx, {
            approvalId: asked.approval.id,
            orgId,
            act: 'approve',
            upToMicros: BigInt(upToCents) * 10_000n,
            note: null,
            by: 'usr_x',
            actor: { type: 'user', id: 'usr_x' },
            requestId: 'req_x',
            now: NOW,
            schedule: STANDARD_SCHEDULE,
          }),
        );
      } catch (error) {
        expect(error).toBeInstanceOf(Fault);
        expect(ceilingOf(await readPeriod(db, orgId, PERIOD))).toBe(before);
        expect((await readApproval(db, asked.approval.id))?.status).toBe('pending');
      }
    }

    async function check(orgId: string): Promise<void> {
      const period = await readPeriod(db, orgId, PERIOD);
      const [sums] = await db.query<Record<'charged' | 'held' | 'queries' | 'grants', string>[]>(
        `SELECT coalesce(sum(amount_micros) FILTER (WHERE status = 'charged'), 0) AS charged,
           coalesce(sum(amount_micros) FILTER (WHERE status = 'reserved'), 0) AS held,
           coalesce(sum(units) FILTER (WHERE by_quota AND status <> 'released'), 0) AS queries,
           count(*) FILTER (WHERE by_grant AND status = 'reserved') AS grants
         FROM charges WHERE org_id = $1`,
        [orgId],
      );
      expect(period.accruedMicros).toBe(BigInt(sums?.charged ?? 0));
      expect(period.heldMicros).toBe(BigInt(sums?.held ?? 0));
      expect(period.aiQueriesUsed).toBe(BigInt(sums?.queries ?? 0));
      expect(period.grantHeld).toBe(Number(sums?.grants ?? 0));
      expect(period.lines.reduce((sum, line) => sum + line.micros, 0n)).toBe(period.accruedMicros);
      if (period.capMicros !== null) {
        expect(period.accruedMicros + period.heldMicros <= period.capMicros).toBe(true);
      }
      const ceiling = ceilingOf(period);
      if (ceiling !== null) expect(period.accruedMicros + period.heldMicros <= ceiling).toBe(true);
      for (const line of period.lines) expect(line.micros).toBe(line.unitMicros * line.units);
    }
  }, 120_000);
});
