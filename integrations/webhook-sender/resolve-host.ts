import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';

const HOSTS_FILE = '/etc/hosts';
const HOSTS_KEPT_MS = 30_000;
/** How long answers are kept; failures too, so that a dead name is asked for once in a while, not by every attempt. */
const KEPT_MS = 5_000;
const MOST_KEPT = 10_000;

/** Thrown where a name has no address, or nobody says so in time: to a sender one is as good as the other. */
export class UnresolvedHost extends Error {
  readonly code = 'ENOTFOUND';
}

/** Answers every address of a host name, at least one. Rejects with UnresolvedHost. */
export type ResolveHost = (hostname: string) => Promise<readonly LookupAddress[]>;

/**
 * Looks names up without the process's thread pool, which a few dead names would fill for everybody: two questions
 * (A and AAAA) to the name servers, one lookup of a name at a time, answers kept for 5 s. Names of one label belong
 * to the machine's own network and go to its resolver, one at a time.
 */
export function createResolver(
  options: { readonly timeoutMs?: number; readonly servers?: readonly string[] } = {},
): ResolveHost {
  const { timeoutMs = 2_000, servers } = options;
  const resolver = new Resolver({ timeout: timeoutMs, tries: 2 });
  if (servers) resolver.setServers(servers);
  const known = new Map<string, { readonly until: number; readonly answer: Answer }>();
  const hosts = createHostsFile();
  let before: Promise<unknown> = Promise.resolve();

  function ask(name: string): Answer {
    const listed = hosts(name);
    if (listed.length > 0) return Promise.resolve(listed);
    if (name.includes('.')) return askNameServers(resolver, name);
    const answer = before.then(() => askSystem(name));
    before = answer.catch(() => undefined);
    return answer;
  }

  return (hostname) => {
    const name = hostname.toLowerCase().replace(/\.$/, '');
    const now = Date.now();
    const kept = known.get(name);
    if (kept && kept.until > now) return kept.answer;
    if (known.size >= MOST_KEPT) known.clear();
    const answer = ask(name);
    const entry = { until: Infinity, answer };
    known.set(name, entry);
    const settle = (): void => {
      if (known.get(name) === entry) known.set(name, { until: Date.now() + KEPT_MS, answer });
    };
    answer.then(settle, settle);
    return answer;
  };
}

type Answer = Promise<readonly LookupAddress[]>;

async function askNameServers(resolver: Resolver, name: string): Answer {
  const [v4, v6] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const found = [
    ...(v4.status === 'fulfilled' ? v4.value.map((address) => ({ address, family: 4 })) : []),
    ...(v6.status === 'fulfilled' ? v6.value.map((address) => ({ address, family: 6 })) : []),
  ];
  if (found.length > 0) return found;
  const cause: unknown = v4.status === 'rejected' ? v4.reason : undefined;
  throw new UnresolvedHost(`${name} has no address`, { cause });
}

function askSystem(name: string): Answer {
  return new Promise((resolve, reject) => {
    systemLookup(name, { all: true }, (error, found) =>
      error
        ? reject(new UnresolvedHost(`${name} has no address`, { cause: error }))
        : resolve(found),
    );
  });
}

/** What the machine's hosts file says of a name; read anew every 30 s. */
function createHostsFile(): (name: string) => readonly LookupAddress[] {
  let lines: string[][] = [];
  let readAt = -Infinity;
  return (name) => {
    if (Date.now() - readAt > HOSTS_KEPT_MS) {
      readAt = Date.now();
      lines = readHosts();
    }
    return lines
      .filter(([, ...names]) => names.includes(name))
      .map(([address = '']) => ({ address, family: isIP(address) }));
  };
}

function readHosts(): string[][] {
  try {
    return readFileSync(HOSTS_FILE, 'utf8')
      .split('\n')
      .map((line) => line.replace(/#.*/, '').trim().toLowerCase().split(/\s+/))
      .filter(([address = '']) => isIP(address) !== 0);
  } catch {
    return [];
  }
}
