import { claimAttempt, claimFreshAttempts } from '../../entities/claim-attempt';
import { claimPacedAttempts } from '../../entities/claim-paced';
import { changePace, reserveSlot, takeSlot } from '../../entities/endpoint-pace';
import { WebhookDelivery } from '../../entities/webhook-delivery';
import type { WebhookEndpoint } from '../../entities/webhook-endpoint';
import { SECOND_MS } from '../../platform/clock';
import { newId } from '../../platform/ids';
import { failedDeliveries } from '../support/failed-deliveries';
import { openSandbox, type Sandbox } from '../support/sandbox';
import { until } from '../support/until';

const LIMIT = 20;
/** What may be caught up on (0.2 s), and the slot at hand. */
const BURST = LIMIT / 5 + 1;
const STEP_MS = 25;

describe('an endpoint with maxPerSecond', () => {
  const start = new Date('2026-03-01T00:00:00Z');
  const at = (ms: number): Date => new Date(start.getTime() + ms);
  let sandbox: Sandbox;
  let endpoint: WebhookEndpoint;
  beforeEach(async () => {
    sandbox = await openSandbox({ now: () => start });
    endpoint = await limited(LIMIT);
  });
  afterEach(() => sandbox.close());

  async function limited(maxPerSecond: number | null): Promise<WebhookEndpoint> {
    const made = await sandbox.newEndpoint('https://hooks.example.com/', { maxPerSecond });
    await sandbox.db.transaction((tx) => changePace(tx, made, start));
    return made;
  }
  const fresh = (now: Date) => ({ now, limit: 100, perEndpoint: 64, busy: new Map() });

  /** The most in any stretch of so long. */
  function densest(times: readonly number[], stretchMs: number): number {
    let most = 0;
    for (let first = 0, last = 0; last < times.length; last++) {
      while ((times[last] ?? 0) - (times[first] ?? 0) >= stretchMs) first++;
      most = Math.max(most, last - first + 1);
    }
    return most;
  }
  function expectHeld(times: number[], seconds: number): void {
    times.sort((a, b) => a - b);
    expect(times.length).toBeGreaterThanOrEqual(LIMIT * seconds * 0.95);
    expect(times.length).toBeLessThanOrEqual(LIMIT * seconds * 1.05);
    for (const stretch of [1, 2, 5]) {
      expect(densest(times, stretch * SECOND_MS)).toBeLessThanOrEqual(LIMIT * stretch + BURST);
    }
  }

  it('has its first attempts claimed at that rate over several workers, oldest first; the rest stays unclaimed', async () => {
    for (let n = 0; n < 300; n++) await sandbox.publish({ now: at(-n) });
    expect(await claimFreshAttempts(sandbox.db, fresh(start))).toEqual([]);
    const times: number[] = [];
    for (let ms = 0; ms < 10 * SECOND_MS; ms += STEP_MS) {
      const worker = () => claimPacedAttempts(sandbox.db, fresh(at(ms)));
      const claimed = (await Promise.all([worker(), worker(), worker()])).flat();
      times.push(...claimed.map(() => ms));
    }
    expectHeld(times, 10);
    const left = await sandbox.db.getRepository(WebhookDelivery).countBy({ attempts: 0 });
    expect(left).toBe(300 - times.length);
  });

  it('is held over first attempts, retries, replays and a recovery together', async () => {
    for (let n = 0; n < 100; n++) await sandbox.publish({ now: start });
    const later = await failedDeliveries(sandbox.db, await limited(null), 100, start);
    await sandbox.db.query(`UPDATE webhook_deliveries SET endpoint_id = $1`, [endpoint.id]);
    const waiting = new Map(later.map((id) => [id, 0]));
    const times: number[] = [];
    for (let ms = 0; ms < 10 * SECOND_MS; ms += STEP_MS) {
      const now = at(ms);
      const claimed = await claimPacedAttempts(sandbox.db, fresh(now));
      if (await takeSlot(sandbox.db, endpoint.id, now)) times.push(ms);
      for (const [id, lookAt] of waiting) {
        if (lookAt > ms) continue;
        const slotAt = await reserveSlot(sandbox.db, id, now);
        waiting.set(id, slotAt.getTime() - start.getTime());
        if (slotAt > now) continue;
        expect(await claimAttempt(sandbox.db, id, newId('rpl'), now)).not.toBeNull();
        waiting.delete(id);
        times.push(ms);
      }
      times.push(...claimed.map(() => ms));
    }
    expect(waiting.size).toBe(0);
    expectHeld(times, 10);
  });

  it('gives a later attempt one slot, used up by its claim; a slot that was missed is reserved anew', async () => {
    const [id = ''] = await failedDeliveries(sandbox.db, endpoint, 1, start);
    while (await takeSlot(sandbox.db, endpoint.id, start));
    const slotAt = await reserveSlot(sandbox.db, id, start);
    expect(slotAt.getTime()).toBeGreaterThan(start.getTime());
    expect(await reserveSlot(sandbox.db, id, start)).toEqual(slotAt);
    await claimAttempt(sandbox.db, id, newId('rpl'), slotAt);
    expect((await reserveSlot(sandbox.db, id, slotAt)).getTime()).toBeGreaterThan(slotAt.getTime());
    const missed = at(60 * SECOND_MS);
    expect((await reserveSlot(sandbox.db, id, missed)).getTime()).toBeGreaterThan(
      missed.getTime() - SECOND_MS,
    );
  });

  it('forgets what was reserved when the limit changes, and goes back to the rest when it is cleared', async () => {
    const [id = ''] = await failedDeliveries(sandbox.db, endpoint, 1, start);
    for (let n = 0; n < 200; n++) {
      await sandbox.db.query(`UPDATE webhook_deliveries SET slot_at = NULL`);
      await reserveSlot(sandbox.db, id, start);
    }
    endpoint.maxPerSecond = 1_000;
    await sandbox.db.manager.save(endpoint);
    await sandbox.db.transaction((tx) => changePace(tx, endpoint, start));
    expect(await reserveSlot(sandbox.db, id, start)).toEqual(start);
    await sandbox.publish({ now: start });
    expect(await claimFreshAttempts(sandbox.db, fresh(start))).toHaveLength(0);
    endpoint.maxPerSecond = null;
    await sandbox.db.manager.save(endpoint);
    await sandbox.db.transaction((tx) => changePace(tx, endpoint, start));
    expect(await claimFreshAttempts(sandbox.db, fresh(start))).toHaveLength(1);
  });

  it('changes while a slot is being reserved: neither gives up on the other', async () => {
    const [id = ''] = await failedDeliveries(sandbox.db, endpoint, 1, start);
    await reserveSlot(sandbox.db, id, start);
    let changed: Promise<void> | undefined;
    await sandbox.db.transaction(async (tx) => {
      await tx.query('SELECT 1 FROM webhook_deliveries WHERE id = $1 FOR UPDATE', [id]);
      changed = sandbox.db.transaction((other) => changePace(other, endpoint, start));
      changed.catch(() => undefined);
      await until(
        () => sandbox.db.query<unknown[]>('SELECT 1 FROM pg_locks WHERE NOT granted'),
        (waiting) => waiting.length > 0,
      );
      await reserveSlot(tx, id, new Date(start.getTime() + 60 * SECOND_MS));
    });
    await changed;
  });
});
