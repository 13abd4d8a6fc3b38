import { z } from 'zod';
import { readPeriod } from '../../entities/budget-period';
import { judge } from '../../entities/gate';
import { standingApproval } from '../../entities/open-approval';
import { priceUsage } from '../../entities/price-usage';
import { invoicePeriod } from '../../platform/clock';
import { invalidInput, type Fault } from '../../platform/fault';
import { centsFromMicros, usdFromMicros } from '../../platform/money';
import { operation, type ApiContext } from '../http/operation';
import { gateFault, stateFault } from '../usage/gate-fault';
import { budgetReply, presentBudget } from './present-budget';

const input = z.object({
  planKey: z.string().max(64).nullish(),
  meterClass: z.string().max(64).nullish(),
  path: z.string().max(500).nullish(),
  method: z.string().max(10).nullish(),
  units: z.int().min(1).max(1_000_000_000).nullish(),
});

export const quoteUsage = operation({
  name: 'quoteUsage',
  method: 'post',
  path: '/v1/billing/quote',
  summary: 'Price work and tell what the gate would answer now; reserves nothing',
  tag: 'billing',
  scope: ['billing:read', 'billing:manage', 'read:sec', 'usage:write'],
  transaction: 'none',
  idempotent: false,
  input,
  reply: z.object({
    object: z.literal('billing_quote'),
    planKey: z.string(),
    meterClass: z.string(),
    meterFamily: z.string(),
    units: z.int(),
    unitAmountUsd: z.number(),
    amountUsd: z.number(),
    amountCents: z.int(),
    currency: z.literal('usd'),
    budget: budgetReply,
    budgetGate: z
      .object({
        code: z.string(),
        status: z.int(),
        message: z.string(),
        details: z.record(z.string(), z.unknown()),
      })
      .nullable(),
  }),
  async handle({ tx, input, caller, context, now }) {
    const planKey = input.planKey ?? caller.planKey;
    if (!context.catalog.plan(planKey))
      throw invalidInput('planKey', 'is no plan of the catalogue');
    const meterClass = classOf(context, input);
    const units = input.units ?? 1;
    const price = priceUsage(context.catalog, planKey, meterClass);
    const period = await readPeriod(tx, caller.orgId, invoicePeriod(now));
    const refusal = caller.livemode ? judge(period, price, units) : null;
    const approval =
      refusal === 'billing_budget_approval_required'
        ? await standingApproval(tx, period, now)
        : null;
    const fault =
      (caller.livemode || caller.suspended ? stateFault(caller) : null) ??
      (refusal ? gateFault(refusal, period, price, approval) : null);
    const unitMicros = caller.livemode ? price.unitMicros : 0n;
    const amountMicros = unitMicros * BigInt(units);
    return {
      object: 'billing_quote' as const,
      planKey,
      meterClass,
      meterFamily: price.family,
      units,
      unitAmountUsd: usdFromMicros(unitMicros),
      amountUsd: usdFromMicros(amountMicros),
      amountCents: centsFromMicros(amountMicros),
      currency: 'usd' as const,
      budget: presentBudget(period, now),
      budgetGate: fault ? gateOf(fault) : null,
    };
  },
});

function gateOf({ code, status, message, details }: Fault) {
  return { code, status, message, details };
}

function classOf({ catalog }: ApiContext, wanted: z.output<typeof input>): string {
  if (wanted.meterClass) {
    if (catalog.meterClass(wanted.meterClass)) return wanted.meterClass;
    throw invalidInput('meterClass', 'is no meter class of the catalogue');
  }
  if (!wanted.path)
    throw invalidInput('meterClass', 'is needed, or a path that the catalogue prices');
  const meter = catalog.classOfRoute(wanted.method ?? 'GET', wanted.path);
  if (meter) return meter.key;
  throw invalidInput('path', 'is no route that the catalogue prices');
}
