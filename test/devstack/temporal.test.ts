import { Connection } from '@temporalio/client';
import { tsToMs } from '@temporalio/common/lib/time';
import { keepClosedWorkflows } from '../../devstack/temporal';
import { startTemporal } from '../support/temporal';

describe('the namespace of the dev stack', () => {
  it('keeps closed workflows for seven days, also where an earlier start made it', async () => {
    const { address, namespace, stop } = await startTemporal();
    const connection = await Connection.connect({ address });
    const kept = async (): Promise<number> => {
      const { config } = await connection.workflowService.describeNamespace({ namespace });
      return tsToMs(config?.workflowExecutionRetentionTtl) / 86_400_000;
    };
    expect(await kept()).toBeLessThan(7);
    await keepClosedWorkflows(address, namespace);
    await keepClosedWorkflows(address, namespace);
    expect(await kept()).toBe(7);
    await connection.close();
    await stop();
  }, 60_000);
});
