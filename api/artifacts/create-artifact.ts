import { z } from 'zod';
import { ARTIFACT_KINDS, ARTIFACT_REPORTS, type Artifact } from '../../entities/artifact';
import { appendAudit } from '../../entities/audit-record';
import { artifactFacts, artifactOfIntent, createArtifact } from '../../entities/create-artifact';
import { priceUsage } from '../../entities/price-usage';
import { settleReservation } from '../../entities/settle-charge';
import { invoicePeriod, SECOND_MS } from '../../platform/clock';
import { invalidInput } from '../../platform/fault';
import { newId } from '../../platform/ids';
import { actorOf, operation, type ApiContext } from '../http/operation';
import { pastMoment } from '../http/schemas';
import { authorize } from '../usage/authorize-usage';
import { stateFault } from '../usage/gate-fault';
import type { UsageOwner } from '../usage/usage-owner';
import { modeFor } from '../webhooks/check-endpoint';
import { requireReader } from './download-link';
import { artifactReply, presentArtifact } from './present-artifact';

const METER_CLASS = 'artifact_jobs';
/** For how long a crash between the gate and the row may hold the amount. */
const RESERVE_SECONDS = 60;

export const createArtifactOperation = operation({
  name: 'createArtifact',
  method: 'post',
  path: '/v1/artifacts',
  summary: 'Have a report built as a durable file; charged once, when it is accepted',
  tag: 'artifacts',
  scope: ['write:sec', 'write:artifacts'],
  transaction: 'own',
  status: 201,
  meterClass: METER_CLASS,
  audits: 'artifact.created',
  input: z.object({
    kind: z.enum(ARTIFACT_KINDS),
    report: z.enum(ARTIFACT_REPORTS).nullish(),
    since: pastMoment.nullable(),
    until: pastMoment.nullable(),
    livemode: z.boolean().nullish(),
  }),
  reply: artifactReply,
  async handle({ input, caller, context, now, requestId, idempotencyDigest }) {
    const report = input.report ?? 'events';
    const livemode = modeFor(caller, input.livemode);
    const since = input.since ?? null;
    const until = input.until ?? null;
    if (since && since >= (until ?? now)) throw invalidInput('since', 'must lie before until');
    requireReader(caller, report);
    const intent = idempotencyDigest ?? null;
    const viewer = { caller, context, now };
    const earlier = intent && (await artifactOfIntent(context.db, caller.orgId, intent, now));
    if (earlier) return presentArtifact(earlier, viewer);

    const id = newId('art');
    const owner = { ...caller, livemode };
    const chargeId = await reserve(context, owner, id, requestId, now);
    const wish = {
      id,
      orgId: caller.orgId,
      livemode,
      kind: input.kind,
      report,
      since,
      until,
      storageMode: context.storage.mode,
      intent,
      chargeId,
      requestId,
      requestedBy: caller.principalId,
      now,
    };
    try {
      const artifact = await context.db.transaction(async (tx) => {
        const made = await createArtifact(tx, wish, context.schedule);
        await settleReservation(tx, { chargeId, owner, act: 'commit', now });
        const fact = {
          action: 'artifact.created',
          actor: actorOf(caller),
          target: { type: 'artifact', id },
          after: artifactFacts(made),
          requestId,
          ip: caller.ip,
        };
        await appendAudit(tx, caller.orgId, [fact], now);
        return made;
      });
      context.wake('command');
      context.wake('delivery');
      return presentArtifact(artifact, viewer);
    } catch (error) {
      await release(context, owner, chargeId, now);
      const winner = intent && (await earlierOf(context, caller.orgId, intent, now));
      if (winner) return presentArtifact(winner, viewer);
      throw error;
    }
  },
});

/** Through the gate: the call is held, and charged in the transaction that stores the artifact. Throws its refusals. */
async function reserve(
  context: ApiContext,
  owner: UsageOwner,
  artifactId: string,
  requestId: string,
  now: Date,
): Promise<string> {
  const refused = stateFault(owner);
  if (refused && (owner.livemode || owner.suspended)) throw refused;
  const { orgId, planKey, principalId } = owner;
  const { chargeId } = await authorize(context, owner, {
    orgId,
    period: invoicePeriod(now),
    key: `artifact:${artifactId}`,
    price: priceUsage(context.catalog, planKey, METER_CLASS),
    units: 1,
    reserveUntil: new Date(now.getTime() + RESERVE_SECONDS * SECOND_MS),
    requestId,
    principalId,
    now,
  });
  return chargeId;
}

/** Gives back what was held for nothing. Where that fails too it is free again by itself. */
async function release(
  { db, log }: ApiContext,
  owner: UsageOwner,
  chargeId: string,
  now: Date,
): Promise<void> {
  await db
    .transaction((tx) => settleReservation(tx, { chargeId, owner, act: 'release', now }))
    .catch((error: unknown) => log.warn({ err: error, chargeId }, 'a reservation has to expire'));
}

/** What another process made of the same intent meanwhile; null also where that can't be asked. */
function earlierOf(
  { db }: ApiContext,
  orgId: string,
  intent: string,
  now: Date,
): Promise<Artifact | null> {
  return artifactOfIntent(db, orgId, intent, now).catch(() => null);
}
