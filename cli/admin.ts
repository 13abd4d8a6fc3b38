import type { DataSource } from 'typeorm';
import { SCOPES } from '../entities/api-key';
import { appendAudit } from '../entities/audit-record';
import { createOrganization, mintApiKey } from '../entities/create-organization';
import { runCommand, withDatabase } from './database';

const HOUSE = 'Operators';
const USAGE = `npm run admin -- operator-key [label]

  operator-key   makes an operator’s key (every scope, admin:operator too) in an organization
                 of its own, and prints its secret this once`;

/** Makes an operator's key in the operators' organization, which the first one creates. Answers the secret. */
export function makeOperatorKey(db: DataSource, label: string, now: Date): Promise<string> {
  return db.transaction(async (tx) => {
    await tx.query('SELECT pg_advisory_xact_lock(726164)');
    const [house] = await tx.query<{ id: string }[]>(
      `SELECT org_id AS id FROM api_keys WHERE 'admin:operator' = ANY (scopes) ORDER BY created_at LIMIT 1`,
    );
    const orgId =
      house?.id ?? (await createOrganization(tx, { name: HOUSE, planKey: 'commercial', now })).id;
    const { key, secret } = await mintApiKey(tx, {
      orgId,
      livemode: true,
      scopes: SCOPES,
      label,
      now,
    });
    const fact = {
      action: 'api_key.created',
      actor: { type: 'system' as const, id: 'npm run admin' },
      target: { type: 'api_key', id: key.id },
      after: { label, scopes: [...SCOPES], livemode: true, keyPrefix: key.keyPrefix },
    };
    await appendAudit(tx, orgId, [fact], now);
    return secret;
  });
}

if (require.main === module) {
  runCommand(async () => {
    const [command, label = 'operator key'] = process.argv.slice(2);
    if (command !== 'operator-key') {
      console.error(USAGE);
      return 2;
    }
    const secret = await withDatabase((db) => makeOperatorKey(db, label, new Date()));
    console.log(`${secret}\n\nKeep it: it is not shown again.`);
    return 0;
  });
}
