import { randomUUID } from 'node:crypto';
import {
  claimIdempotencyKey,
  keepIdempotentReply,
  releaseIdempotencyKey,
  type IdempotencyClaim,
  type IdempotencyScope,
} from '../../entities/idempotency';
import { HOUR_MS } from '../../platform/clock';
import { freshDatabase, type TestDatabase } from '../support/database';

const HASH = Buffer.from('a request');
const REPLY = { status: 201, sealed: 'v1.sealed' };
const NOON = new Date('2026-03-19T12:00:00.000Z');
const after = (ms: number): Date => new Date(NOON.getTime() + ms);

describe('a claim of an idempotency key', () => {
  let database: TestDatabase;
  let scope: IdempotencyScope;
  const claim = (at: Date): Promise<IdempotencyClaim> =>
    claimIdempotencyKey(database.db, scope, HASH, at);
  const claimIdOf = async (claimed: Promise<IdempotencyClaim>): Promise<string> => {
    const it = await claimed;
    if (it.kind !== 'claimed') throw new Error('the key was taken');
    return it.claimId;
  };

  beforeAll(async () => {
    database = await freshDatabase();
  });
  beforeEach(() => {
    const orgId = `org_${randomUUID().replaceAll('-', '')}`;
    scope = { orgId, livemode: true, route: 'createApiKey', key: 'once' };
  });
  afterAll(() => database.close());

  it('that nobody finished is taken over by one alone, also a day later', async () => {
    await claim(NOON);
    const late = after(30 * HOUR_MS);
    await claimIdOf(claim(late));
    await expect(claim(late)).rejects.toMatchObject({ code: 'idempotency_key_in_flight' });
  });

  it('is not taken over a day later while it is being worked on', async () => {
    await claim(NOON);
    await claimIdOf(claim(after(24 * HOUR_MS - 1_000)));
    await expect(claim(after(24 * HOUR_MS + 1_000))).rejects.toMatchObject({
      code: 'idempotency_key_in_flight',
    });
  });

  it('whose reply was kept is not released: the answer may have been lost after the commit', async () => {
    const mine = await claimIdOf(claim(NOON));
    expect(await keepIdempotentReply(database.db, scope, mine, REPLY)).toBe(true);
    await releaseIdempotencyKey(database.db, scope, mine);
    expect(await claim(after(1_000))).toMatchObject({ kind: 'replay', status: 201 });
  });

  it('keeps no reply once another took it over', async () => {
    const mine = await claimIdOf(claim(NOON));
    await claim(after(61_000));
    expect(await keepIdempotentReply(database.db, scope, mine, REPLY)).toBe(false);
  });
});
