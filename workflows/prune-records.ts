import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { RetentionActivities } from '../activities/prune-records';

const { pruneRecords: prune } = proxyActivities<RetentionActivities>({
  startToCloseTimeout: '12 h',
  heartbeatTimeout: '2 min',
  retry: { initialInterval: '10 s', maximumInterval: '10 min', maximumAttempts: 20 },
});

/** Drops what is older than it is kept, in small batches. Started by a schedule, one at a time. */
export async function pruneRecords(): Promise<string> {
  setCurrentDetails('dropping old records');
  const dropped = await prune();
  const said = Object.entries(dropped).map(([table, rows]) => `${table} ${rows}`);
  const summary = said.length === 0 ? 'nothing was old enough' : `dropped: ${said.join(', ')}`;
  setCurrentDetails(summary);
  return summary;
}
