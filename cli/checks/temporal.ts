import {
  BUSINESS_QUEUE,
  DELIVERIES_QUEUE,
  PRUNE_RECORDS,
  SEARCH_ATTRIBUTES,
  SWEEP_STRIPE,
} from '../../workflows/contracts';
import { fault, ok, warning, type Check, type Finding } from './check';

const DAY_S = 86_400;
const LONGEST_WINDOW_DAYS = 3;
const SHARDS = 512;

export const temporalChecks: readonly Check[] = [
  {
    name: 'temporal',
    run({ temporal, temporalFault }) {
      if (temporal) return [ok('Temporal answers')];
      return [
        fault(
          `Temporal does not answer: ${temporalFault ?? ''}`,
          'Start it, or correct TEMPORAL_ADDRESS. First attempts go on without it; retries, replays and approvals wait.',
        ),
      ];
    },
  },
  {
    name: 'namespace',
    needs: ['temporal', 'config'],
    async run({ temporal, config }) {
      if (!temporal || !config) return [];
      const namespace = config.TEMPORAL_NAMESPACE;
      const found = await temporal.workflowService
        .describeNamespace({ namespace })
        .catch(() => null);
      if (!found)
        return [
          fault(
            `there is no namespace ${namespace}`,
            `temporal operator namespace create --namespace ${namespace} --retention 7d`,
          ),
        ];
      const days = Number(found.config?.workflowExecutionRetentionTtl?.seconds ?? 0) / DAY_S;
      if (days < LONGEST_WINDOW_DAYS)
        return [
          warning(
            `${namespace} forgets closed workflows after ${days} day(s), before a delivery’s window has closed`,
            `temporal operator namespace update --namespace ${namespace} --retention 7d`,
          ),
        ];
      return [ok(`${namespace} keeps closed workflows for ${days} days`)];
    },
  },
  {
    name: 'search attributes',
    needs: ['temporal', 'config'],
    async run({ temporal, config }) {
      if (!temporal || !config) return [];
      const { customAttributes } = await temporal.connection.operatorService.listSearchAttributes({
        namespace: config.TEMPORAL_NAMESPACE,
      });
      const missing = SEARCH_ATTRIBUTES.filter((name) => !(name in (customAttributes ?? {})));
      if (missing.length === 0) return [ok(`${SEARCH_ATTRIBUTES.join(', ')} are there`)];
      return [
        fault(
          `${missing.join(', ')} are missing`,
          'A worker adds them when it connects: start one, or restart it.',
        ),
      ];
    },
  },
  {
    name: 'schedules',
    needs: ['temporal', 'config'],
    async run({ temporal, config }) {
      if (!temporal || !config) return [];
      const wanted = [PRUNE_RECORDS, ...(config.STRIPE_SECRET_KEY === '' ? [] : [SWEEP_STRIPE])];
      const found: Finding[] = [];
      for (const id of wanted) {
        const schedule = await temporal.schedule
          .getHandle(id)
          .describe()
          .catch(() => null);
        if (!schedule)
          found.push(
            fault(
              `the schedule ${id} is missing`,
              'A worker makes it when it connects: start one, or restart it.',
            ),
          );
        else if (schedule.state.paused)
          found.push(
            warning(
              `the schedule ${id} is paused`,
              `temporal schedule toggle --schedule-id ${id} --unpause --reason mended`,
            ),
          );
      }
      return found.length > 0 ? found : [ok(`${wanted.join(', ')} run`)];
    },
  },
  {
    name: 'task queues',
    needs: ['temporal', 'config'],
    async run({ temporal, config }) {
      if (!temporal || !config) return [];
      const found: Finding[] = [];
      for (const name of [DELIVERIES_QUEUE, BUSINESS_QUEUE]) {
        const { pollers } = await temporal.workflowService.describeTaskQueue({
          namespace: config.TEMPORAL_NAMESPACE,
          taskQueue: { name },
          taskQueueType: 1,
        });
        if ((pollers ?? []).length === 0)
          found.push(
            fault(
              `nobody works on the queue ${name}`,
              'Start a worker; one that runs says in its log why it can’t.',
            ),
          );
      }
      return found.length > 0 ? found : [ok('both are worked on')];
    },
  },
  {
    name: 'history shards',
    needs: ['temporal', 'config'],
    async run({ temporal, config }) {
      if (!temporal || !config) return [];
      const { historyShardCount: shards } = await temporal.workflowService.getClusterInfo({});
      const isEnough = (shards ?? 0) >= SHARDS || config.ENVIRONMENT === 'development';
      if (isEnough) return [ok(`${shards ?? 0} shard(s)`)];
      return [
        warning(
          `the cluster has ${shards ?? 0} history shard(s), fixed for its life`,
          `Set up a new cluster with numHistoryShards ${SHARDS} or more before there is much in this one.`,
        ),
      ];
    },
  },
];
