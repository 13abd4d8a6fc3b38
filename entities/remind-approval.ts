import { run, statement, type Executor } from './sql';

const mark = statement<{ id: string }>(
  'mark-reminded',
  `UPDATE budget_approvals SET reminders = $2 WHERE id = $1 AND status = 'pending' AND reminders < $2 RETURNING id`,
);

/** Notes that the n-th reminder goes out. False where it went before, or nothing waits any more. */
export async function markReminded(
  db: Executor,
  approvalId: string,
  reminder: number,
): Promise<boolean> {
  return (await run(db, mark, [approvalId, reminder])).length > 0;
}
