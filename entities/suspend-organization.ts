import type { EntityManager } from 'typeorm';
import type { Organization } from './organization';
import { run, statement } from './sql';

/** Suspends a locked organization: reads stay, billable work and deliveries wait. Answers whether it wasn't before. */
export async function suspendOrganization(
  tx: EntityManager,
  organization: Organization,
  now: Date,
): Promise<boolean> {
  if (organization.suspendedAt) return false;
  organization.suspendedAt = now;
  await tx.save(organization);
  return true;
}

const releaseAll = statement(
  'release-organization',
  `WITH due AS (
     UPDATE webhook_deliveries d SET next_at = $2
     FROM webhook_endpoints p
     WHERE d.org_id = $1 AND d.status = 'pending' AND d.next_at <= $2
       AND p.id = d.endpoint_id AND p.status = 'active' AND p.deleted_at IS NULL
     RETURNING d.id, d.org_id, d.endpoint_id, d.event_type, d.has_workflow)
   INSERT INTO outbox (kind, ref, payload, due_at, created_at)
   SELECT 'signal_delivery', id, jsonb_build_object('orgId', org_id, 'endpointId', endpoint_id,
     'eventType', event_type, 'signal', jsonb_build_object('name', 'wake')), $2, $2
   FROM due WHERE has_workflow`,
);

const wakeRest = statement(
  'wake-organization',
  `INSERT INTO outbox (kind, ref, payload, due_at, created_at)
   SELECT 'signal_delivery', d.id, jsonb_build_object('orgId', d.org_id, 'endpointId', d.endpoint_id,
     'eventType', d.event_type, 'signal', jsonb_build_object('name', 'wake')), $2, $2
   FROM webhook_deliveries d
   WHERE d.org_id = $1 AND d.status = 'pending' AND d.has_workflow AND d.next_at > $2`,
);

/**
 * Resumes a locked organization: what became due in the meantime is sent now, the rest at its time; every waiting
 * workflow is told. Answers whether it was suspended.
 */
export async function resumeOrganization(
  tx: EntityManager,
  organization: Organization,
  now: Date,
): Promise<boolean> {
  if (!organization.suspendedAt) return false;
  organization.suspendedAt = null;
  await tx.save(organization);
  await run(tx, wakeRest, [organization.id, now]);
  await run(tx, releaseAll, [organization.id, now]);
  return true;
}
