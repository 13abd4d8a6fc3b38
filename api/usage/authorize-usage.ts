import { z } from 'zod';
import { alertsDue, raiseAlerts } from '../../entities/budget-alerts';
import { readPeriod, type BudgetPeriod } from '../../entities/budget-period';
import type { Charge, UsageRequest } from '../../entities/gate';
import { priceUsage } from '../../entities/price-usage';
import { chargeInTestMode } from '../../entities/test-charge';
import { invoicePeriod } from '../../platform/clock';
import { Fault, invalidInput } from '../../platform/fault';
import { centsFromMicros, usdFromMicros } from '../../platform/money';
import { budgetReply, presentBudget } from '../billing/present-budget';
import { operation, type ApiContext } from '../http/operation';
import { text } from '../http/schemas';
import { approvalFor } from './await-approval';
import { gateFault, stateFault } from './gate-fault';
import { usageOwner, type UsageOwner } from './usage-owner';

const MOST_UNITS = 1_000_000_000;
const MOST_RESERVE_SECONDS = 86_400;
const MOST_CROSSINGS = 5;

export const authorizationReply = z.object({
  object: z.literal('usage_authorization'),
  chargeId: z.string(),
  status: z.enum(['charged', 'reserved', 'released']),
  orgId: z.string(),
  meterClass: z.string(),
  units: z.int(),
  unitAmountUsd: z.number(),
  amountUsd: z.number(),
  amountCents: z.int(),
  planKey: z.string(),
  replayed: z.boolean(),
  budget: budgetReply,
});

export const authorizeUsage = operation({
  name: 'authorizeUsage',
  method: 'post',
  path: '/v1/usage/authorize',
  summary: 'Ask whether billable work may be done and charge it, exactly once by its key',
  tag: 'usage',
  scope: ['usage:write', 'admin:operator'],
  dataPlane: true,
  transaction: 'own',
  idempotent: false,
  input: z.object({
    meterClass: z.string().max(64),
    units: z.int().min(1).max(MOST_UNITS).nullish(),
    idempotencyKey: text(255, 1).nullish(),
    orgId: z.string().max(64).nullish(),
    apiKey: z.string().max(200).nullish(),
    reserveSeconds: z.int().min(1).max(MOST_RESERVE_SECONDS).nullish(),
  }),
  reply: authorizationReply,
  async handle({ input, caller, context, now, requestId, headers }) {
    if (!context.catalog.meterClass(input.meterClass)) {
      throw invalidInput('meterClass', 'is no meter class of the catalogue');
    }
    const key = input.idempotencyKey ?? headers['idempotency-key'];
    if (typeof key !== 'string' || key === '' || key.length > 255) {
      throw invalidInput('idempotencyKey', 'is needed, here or as the Idempotency-Key header');
    }
    const owner = await usageOwner(context, caller, input);
    const refused = stateFault(owner);
    if (refused && (owner.livemode || owner.suspended)) throw refused;
    const request: UsageRequest = {
      orgId: owner.orgId,
      period: invoicePeriod(now),
      key,
      price: priceUsage(context.catalog, owner.planKey, input.meterClass),
      units: input.units ?? 1,
      reserveUntil: input.reserveSeconds
        ? new Date(now.getTime() + input.reserveSeconds * 1_000)
        : null,
      requestId,
      principalId: owner.principalId,
      now,
    };
    return authorize(context, owner, request);
  },
});

/** Through the gate, and what follows from the answer. Throws the contract's refusals. */
export async function authorize(
  context: ApiContext,
  owner: UsageOwner,
  request: UsageRequest,
): Promise<z.input<typeof authorizationReply>> {
  const { orgId, price, requestId, principalId, now } = request;
  if (!owner.livemode) {
    const { charge, replayed } = await chargeInTestMode(context.db, request);
    const period = await readPeriod(context.db, orgId, request.period);
    return present(request, charge, period, replayed);
  }
  for (let crossings = 1; ; crossings++) {
    const answer = await context.gate.pass(request);
    if (answer.kind === 'passed') {
      if (alertsDue(answer.period).length > 0) await alert(context, answer.period, requestId, now);
      return present(request, answer.charge, answer.period, false);
    }
    if (answer.kind === 'replayed') return present(request, answer.charge, answer.period, true);
    const { refusal, period } = answer;
    const approval =
      refusal === 'billing_budget_approval_required'
        ? await approvalFor(context, period, { principalId, requestId })
        : null;
    const isStale = refusal === 'billing_budget_approval_required' && approval === null;
    if (!isStale || crossings >= MOST_CROSSINGS) throw gateFault(refusal, period, price, approval);
  }
}

/** Alerts are told right away; the worker's sweep tells those that a crash kept back. */
async function alert(
  context: ApiContext,
  { orgId, period }: BudgetPeriod,
  requestId: string,
  now: Date,
): Promise<void> {
  const { schedule, secrets, db, log } = context;
  try {
    await db.transaction((tx) =>
      raiseAlerts(tx, { orgId, period, requestId, now, schedule, secrets }),
    );
    context.wake('delivery');
    context.wake('command');
  } catch (error) {
    log.warn({ err: error, orgId }, 'a budget alert waits for the sweep');
  }
}

function present(
  request: UsageRequest,
  charge: Charge,
  period: BudgetPeriod,
  replayed: boolean,
): z.input<typeof authorizationReply> {
  if (charge.status === 'released') {
    throw new Fault('conflict', {
      message: 'The reservation under this idempotency key was released or has expired.',
      hint: 'Authorize anew with another idempotency key.',
      details: { chargeId: charge.id },
    });
  }
  const isSame =
    charge.meterClass === request.price.meterClass && charge.askedUnits === request.units;
  if (replayed && !isSame) {
    throw new Fault('idempotency_key_reused', {
      message: 'This idempotency key was charged with another meter class or other units.',
      details: { chargeId: charge.id, meterClass: charge.meterClass, units: charge.askedUnits },
    });
  }
  return presentCharge(charge, request.orgId, period, replayed, request.now);
}

export function presentCharge(
  charge: Charge,
  orgId: string,
  period: BudgetPeriod,
  replayed: boolean,
  now: Date,
): z.input<typeof authorizationReply> {
  return {
    object: 'usage_authorization',
    chargeId: charge.id,
    status: charge.status,
    orgId,
    meterClass: charge.meterClass,
    units: charge.units,
    unitAmountUsd: usdFromMicros(charge.unitMicros),
    amountUsd: usdFromMicros(charge.amountMicros),
    amountCents: centsFromMicros(charge.amountMicros),
    planKey: charge.planKey,
    replayed,
    budget: presentBudget(period, now),
  };
}
