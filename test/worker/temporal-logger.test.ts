import { createLog } from '../../platform/log';
import { temporalLogger } from '../../worker/run-workflows';

describe('what the SDK of Temporal says', () => {
  const lines: string[] = [];
  const logger = temporalLogger(
    createLog('worker', 'info', { write: (line) => void lines.push(line) }),
  );
  const said = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  beforeEach(() => void (lines.length = 0));

  it('is a line of ours, with an error’s message and what it is about', () => {
    const error = new Error('ENOTDIR: not a directory');
    logger.warn('Activity failed', { error, workflowId: 'artifact:art_x', taskToken: 'bytes' });
    expect(said()).toMatchObject([
      { msg: 'Activity failed', level: 40, err: { message: error.message }, name: 'worker' },
    ]);
    expect(said()[0]?.['temporal']).toEqual({ workflowId: 'artifact:art_x' });
  });

  it('leaves out that a call is tried again', () => {
    logger.warn('gRPC call poll_workflow_task_queue retried 7 times');
    logger.info('Worker state changed');
    expect(said()).toEqual([]);
  });
});
