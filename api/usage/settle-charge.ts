import { z } from 'zod';
import type { EntityManager } from 'typeorm';
import { settleReservation } from '../../entities/settle-charge';
import { operation, type Caller } from '../http/operation';
import { id } from '../http/schemas';
import { authorizationReply, presentCharge } from './authorize-usage';

const shared = {
  method: 'post',
  tag: 'usage',
  scope: ['usage:write', 'admin:operator'],
  dataPlane: true,
  transaction: 'one',
  reply: authorizationReply,
} as const;

export const commitCharge = operation({
  ...shared,
  name: 'commitCharge',
  path: '/v1/usage/charges/:chargeId/commit',
  summary: 'Charge what was used of a reservation; the rest is free again',
  input: z.object({ chargeId: id('chg'), units: z.int().min(0).nullish() }),
  handle: ({ tx, input, caller, now }) =>
    settle(tx, caller, { ...input, act: 'commit', units: input.units ?? undefined }, now),
});

export const releaseCharge = operation({
  ...shared,
  name: 'releaseCharge',
  path: '/v1/usage/charges/:chargeId/release',
  summary: 'Give a reservation back: nothing is charged',
  input: z.object({ chargeId: id('chg') }),
  handle: ({ tx, input, caller, now }) => settle(tx, caller, { ...input, act: 'release' }, now),
});

async function settle(
  tx: EntityManager,
  caller: Caller,
  wanted: { chargeId: string; act: 'commit' | 'release'; units?: number | undefined },
  now: Date,
) {
  const orgId = caller.scopes.includes('admin:operator') ? null : caller.orgId;
  const owner = { orgId, livemode: caller.livemode };
  const settled = await settleReservation(tx, { ...wanted, owner, now });
  return presentCharge(settled.charge, settled.orgId, settled.period, settled.repeated, now);
}
