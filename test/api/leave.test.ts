import { Agent, createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { drainable } from '../../api/drainable';
import { startApi, type TestApi } from '../support/api';
import { until } from '../support/until';

const GRACE_MS = 20_000;

describe('a process that leaves', () => {
  describe('with callers who wait', () => {
    let api: TestApi;
    beforeAll(async () => {
      api = await startApi();
    });
    afterAll(() => api.close());

    const rows = (sql: string, ...values: string[]): Promise<unknown[]> =>
      api.database.db.query(sql, values);
    const USED = 'SELECT 1 FROM api_keys WHERE org_id = $1 AND last_used_at IS NOT NULL';

    it('answers them at once with what it knows, closes their connections and loses no record', async () => {
      const tenant = await api.newTenant();
      const endpoint = await tenant.call('post', '/v1/webhook_endpoints', {
        destinationUrl: 'http://127.0.0.1:9/',
        subscribedEventTypes: ['filing.published'],
      });
      await tenant.call('post', '/v1/events', { type: 'filing.published', data: {} });
      const { body } = await tenant.call('get', '/v1/deliveries');
      const path = `/v1/webhook_endpoints/${endpoint.body.id}/deliveries/${body.data[0].id}/replay`;
      await tenant.call('put', '/v1/billing/budget', { approvalThresholdCents: 800 });
      const approval = await tenant.call('post', '/v1/billing/budget/approvals', {
        upToCents: 900,
      });
      expect(approval.status).toBe(201);
      const [one, other] = [await api.newKey(tenant.orgId), await api.newKey(tenant.orgId)];
      const approved = one.call(
        'get',
        `/v1/billing/budget/approvals/${approval.body.id}/wait?seconds=30`,
      );
      const replayed = other.call('post', `${path}?wait=30`);
      await until(
        () => rows(`SELECT 1 FROM outbox WHERE kind = 'signal_delivery'`),
        (commands) => commands.length === 1,
      );
      await until(
        () => api.context.lastUse.flush().then(() => rows(USED, tenant.orgId)),
        (keys) => keys.length === 3,
      );

      expect(await api.leave(GRACE_MS)).toBe(true);
      const { headers, body: replay } = await replayed;
      expect(headers.get('connection')).toBe('close');
      expect(replay.deliveries[0]).toMatchObject({ attemptId: null, error: 'pending' });
      expect((await approved).body.status).toBe('pending');

      await api.context.requestLog.stop();
      const records = await rows(
        'SELECT path FROM request_records WHERE path ~ $1',
        '(replay|wait)',
      );
      expect(records).toHaveLength(2);
    });
  });

  describe('with connections that are kept alive', () => {
    const agent = new Agent({ keepAlive: true });
    afterAll(() => agent.destroy());

    async function serve(handler: Parameters<typeof createServer>[1]) {
      const server = createServer({ keepAliveTimeout: 65_000 }, handler);
      const drain = drainable(server);
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const { port } = server.address() as AddressInfo;
      return { drain, request: () => get({ port, host: '127.0.0.1', agent }) };
    }

    it('closes one whose answer was under way once it is finished', async () => {
      let finish = (): void => undefined;
      const { drain, request } = await serve((_request, response) => {
        response.writeHead(200, { 'content-length': 10 }).write('12345');
        finish = () => response.end('67890');
      });
      const [answer] = (await once(request(), 'response')) as [IncomingMessage];
      expect(answer.headers.connection).toBe('keep-alive');
      const drained = drain(GRACE_MS);
      finish();
      expect((await answer.toArray()).join('')).toBe('1234567890');
      expect(await drained).toBe(true);
    });

    it('cuts what does not end in the time it is given, and says so', async () => {
      const { drain, request } = await serve(() => undefined);
      const hanging = request();
      const cut = once(hanging, 'error');
      await until(
        async () => hanging.socket?.bytesWritten ?? 0,
        (sent) => sent > 0,
      );
      expect(await drain(100)).toBe(false);
      await cut;
    });
  });
});
