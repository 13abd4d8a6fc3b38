import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { repositoryRoot } from '../../devstack/repository-root';

const folder = join(repositoryRoot(), 'test', 'histories', 'recorded');
const recorded = readdirSync(folder).filter((name) => name.endsWith('.json'));

/**
 * Histories of workflows as earlier code wrote them. A change that breaks one would break workflows that wait in
 * production: make the change with `patched()`, and record a new history beside the old one
 * (RECORD_HISTORIES=1 npx jest test/histories/record).
 */
describe('workflows that an earlier build started', () => {
  beforeAll(() => void Runtime.install({ logger: new DefaultLogger('ERROR') }));

  it('are all known', () => {
    const kinds = new Set(recorded.map((name) => name.replace(/\..*/, '')));
    expect([...kinds].sort()).toEqual([
      'approve-budget',
      'build-artifact',
      'deliver-webhook',
      'end-grace',
      'prune-records',
      'reconcile-checkout',
      'recover-endpoint',
      'send-mail',
    ]);
  });

  it.each(recorded)('go on under this build: %s', async (name) => {
    const history = historyFromJSON(JSON.parse(readFileSync(join(folder, name), 'utf8')));
    const workflowBundle = { codePath: process.env['TEST_WORKFLOW_BUNDLE'] ?? '' };
    await Worker.runReplayHistory({ workflowBundle }, history);
  });

  it('would be told from one that this build can’t go on with', async () => {
    const [name = ''] = recorded.filter((file) => file.startsWith('deliver-webhook'));
    const text = readFileSync(join(folder, name), 'utf8');
    const broken = text.replaceAll('"sendAttempt"', '"somethingElse"');
    expect(broken).not.toBe(text);
    const workflowBundle = { codePath: process.env['TEST_WORKFLOW_BUNDLE'] ?? '' };
    const history = historyFromJSON(JSON.parse(broken));
    await expect(Worker.runReplayHistory({ workflowBundle }, history)).rejects.toThrow(
      /nondetermin/i,
    );
  });
});
