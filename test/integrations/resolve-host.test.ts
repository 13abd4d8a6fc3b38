import { createSocket, type Socket } from 'node:dgram';
import { createResolver, UnresolvedHost } from '../../integrations/webhook-sender/resolve-host';

/** A name server that answers `alive.example` with 192.0.2.7 and is silent about every other name. */
async function startNameServer(): Promise<{ address: string; asked: string[]; socket: Socket }> {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  socket.on('message', (query, from) => {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.subarray(at + 1, at + 1 + length).toString());
      at += 1 + length;
    }
    const type = query.readUInt16BE(at + 1);
    asked.push(`${labels.join('.')} ${type === 1 ? 'A' : 'AAAA'}`);
    if (labels.join('.') !== 'alive.example') return;
    const question = query.subarray(12, at + 5);
    const answers = type === 1 ? 1 : 0;
    const header = Buffer.from([0, 0, 0x81, 0x80, 0, 1, 0, answers, 0, 0, 0, 0]);
    query.copy(header, 0, 0, 2);
    const record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7];
    socket.send(Buffer.concat([header, question, Buffer.from(answers ? record : [])]), from.port);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return { address: `127.0.0.1:${socket.address().port}`, asked, socket };
}

describe('looking a host up', () => {
  let server: Awaited<ReturnType<typeof startNameServer>>;
  beforeEach(async () => {
    server = await startNameServer();
  });
  afterEach(() => new Promise<void>((resolve) => server.socket.close(resolve)));

  it('answers every address that the name servers know', async () => {
    const resolve = createResolver({ servers: [server.address] });
    expect(await resolve('Alive.Example.')).toEqual([{ address: '192.0.2.7', family: 4 }]);
  });

  it('takes the machine’s own names from its hosts file and resolver', async () => {
    const resolve = createResolver({ servers: [server.address] });
    const found = await resolve('localhost');
    expect(found.map(({ address }) => address)).toContain('127.0.0.1');
    expect(server.asked).toEqual([]);
  });

  it('lets no number of silent names hold up another', async () => {
    const resolve = createResolver({ servers: [server.address], timeoutMs: 500 });
    for (let n = 0; n < 60; n++) void resolve(`dead${n}.example`).catch(() => undefined);
    expect(await resolve('alive.example')).toHaveLength(1);
    expect(await resolve('localhost')).not.toHaveLength(0);
  });

  it('asks once for a name that many wait for, and remembers for a while that it has no address', async () => {
    const resolve = createResolver({ servers: [server.address], timeoutMs: 100 });
    const ask = () => resolve('dead.example').catch((error: unknown) => error);
    const answers = await Promise.all(Array.from({ length: 20 }, ask));
    expect(answers.every((answer) => answer instanceof UnresolvedHost)).toBe(true);
    const asked = server.asked.length;
    await ask();
    expect(server.asked).toHaveLength(asked);
    expect(asked).toBeLessThanOrEqual(4);
  });
});
