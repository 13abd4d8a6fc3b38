import { Resolver } from 'node:dns/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import timers from 'node:timers/promises';
import { send, startApi, type Answer, type TestApi } from '../support/api';
import { until } from '../support/until';

/** More than the database connections of a process. */
const MANY = 12;

describe('while others keep us waiting', () => {
  let api: TestApi;
  let provider: Server;
  let asked = 0;
  const held: (() => void)[] = [];
  beforeAll(async () => {
    provider = createServer((_request, response) => {
      asked++;
      held.push(() => response.writeHead(500).end());
    });
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
    const { port } = provider.address() as AddressInfo;
    api = await startApi({
      OIDC_ISSUER: `http://127.0.0.1:${port}`,
      ALLOW_PRIVATE_DESTINATIONS: 'false',
    });
  });
  afterAll(async () => {
    provider.closeAllConnections();
    await new Promise((resolve) => provider.close(resolve));
    await api.close();
  });
  afterEach(() => jest.restoreAllMocks());

  /** Stands in for the name servers. */
  function nameServersAnswer(answer: Promise<string[]>) {
    jest.spyOn(Resolver.prototype, 'resolve6').mockReturnValue(answer);
    return jest.spyOn(Resolver.prototype, 'resolve4').mockReturnValue(answer);
  }

  /** Which of the answers comes first: of those that wait, or of a read that has nothing to wait for. */
  async function firstToAnswer(waiting: Promise<Answer>[]): Promise<string> {
    const tenant = await api.newTenant();
    return Promise.race([
      tenant.call('GET', '/v1/me').then(({ status }) => `me ${status}`),
      ...waiting.map((answer) => answer.then(({ status }) => `waiting ${status}`)),
    ]);
  }

  it('for a name to resolve, no database connection is held', async () => {
    const tenant = await api.newTenant();
    // Without the limit of 2 s, so that a slow machine doesn't decide.
    jest.spyOn(timers, 'setTimeout').mockReturnValue(new Promise(() => undefined));
    let answerLookups: (addresses: string[]) => void = () => undefined;
    const lookup = nameServersAnswer(new Promise((resolve) => (answerLookups = resolve)));
    const made = await tenant.call('POST', '/v1/webhook_endpoints', {
      destinationUrl: 'https://192.0.43.7/x',
    });
    const waiting = Array.from({ length: MANY }, (_, i) => {
      const body = { destinationUrl: `https://h${i}.example.com/x` };
      return i % 2 === 0
        ? tenant.call('POST', '/v1/webhook_endpoints', body)
        : tenant.call('PATCH', `/v1/webhook_endpoints/${made.body.id}`, body);
    });
    await until(
      async () => lookup.mock.calls.length,
      (calls) => calls >= MANY,
    );
    expect(await firstToAnswer(waiting)).toBe('me 200');
    answerLookups(['10.0.0.1']);
    const statuses = (await Promise.all(waiting)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([400]));
  });

  it('for a name that never resolves, an endpoint is taken all the same: it may come up later', async () => {
    const tenant = await api.newTenant();
    nameServersAnswer(new Promise(() => undefined));
    const body = { destinationUrl: 'https://never.example.com/x' };
    expect((await tenant.call('POST', '/v1/webhook_endpoints', body)).status).toBe(201);
  });

  it('for the identity provider, no database connection is held', async () => {
    const path = `${api.url}/v1/invitations/accept`;
    const headers = { authorization: 'Bearer a.token.of.somebody' };
    const waiting = Array.from({ length: MANY }, () =>
      send(path, 'POST', { token: 'secapi_inv_x' }, headers),
    );
    await until(
      async () => asked,
      (count) => count >= MANY,
    );
    expect(await firstToAnswer(waiting)).toBe('me 200');
    for (const answer of held) answer();
    const statuses = (await Promise.all(waiting)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([503]));
  });
});
