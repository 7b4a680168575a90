/**
 * Names asked for by the process itself, by UDP and without a thread. The system's own look-up (getaddrinfo) knows
 * more than this, but two of them that hang keep all others waiting: libuv gives them half of its four threads.
 */
import { Resolver as NameServers } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { LookupAddress, LookupAll } from './node-resolve.ts';

export interface NamesOptions {
  /** null: its entries do not count. */
  readonly hosts?: string | null;
  readonly resolvConf?: string;
  /** `address:port`; by default those of the system. */
  readonly servers?: readonly string[];
}

const QUERY = { timeout: 1000, tries: 2 };

/** Looks into the hosts file, then asks the name servers, with the search list of resolv.conf. */
export function createNames(options: NamesOptions = {}): LookupAll {
  const { hosts = '/etc/hosts', resolvConf = '/etc/resolv.conf', servers } = options;
  let nameServers: NameServers | null = null;
  const connect = (): NameServers => {
    const made = new NameServers(QUERY);
    if (servers !== undefined) made.setServers(servers);
    return made;
  };
  return (hostname, callback) => {
    const known = hosts === null ? [] : hostsEntries(readText(hosts), hostname);
    if (known.length > 0) {
      callback(null, known);
      return;
    }
    // Most processes never need it.
    nameServers ??= connect();
    askInTurn(nameServers, candidates(hostname, readText(resolvConf))).then(
      (found) => callback(null, found),
      (error) => callback(error, []),
    );
  };
}

/** The first name of the list that has an address. Rejects with the error of the last one. */
async function askInTurn(servers: NameServers, names: readonly string[]): Promise<LookupAddress[]> {
  let last: unknown;
  for (const name of names) {
    const [four, six] = await Promise.allSettled([servers.resolve4(name), servers.resolve6(name)]);
    const found = [...addresses(four, 4), ...addresses(six, 6)];
    if (found.length > 0) return found;
    last = four.status === 'rejected' ? four.reason : last;
  }
  throw last;
}

function addresses(answer: PromiseSettledResult<string[]>, family: 4 | 6): LookupAddress[] {
  return answer.status === 'rejected' ? [] : answer.value.map((address) => ({ address, family }));
}

/** resolv.conf(5): names with fewer than `ndots` dots are tried in the search domains first. */
function candidates(hostname: string, resolvConf: string): string[] {
  if (hostname.endsWith('.')) return [hostname];
  const search = lastWords(resolvConf, /^(?:search|domain)\s+(.*)$/gm);
  const ndots = Number(/^options\s.*\bndots:(\d+)/m.exec(resolvConf)?.[1] ?? '1');
  const longer = search.map((domain) => `${hostname}.${domain.replace(/\.$/, '')}`);
  return hostname.split('.').length > ndots ? [hostname, ...longer] : [...longer, hostname];
}

function lastWords(text: string, line: RegExp): string[] {
  return ([...text.matchAll(line)].at(-1)?.[1] ?? '').split(/\s+/).filter((word) => word !== '');
}

function hostsEntries(hosts: string, hostname: string): LookupAddress[] {
  const found: LookupAddress[] = [];
  for (const line of hosts.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().toLowerCase().split(/\s+/);
    const family = isIP(address);
    if (family !== 0 && names.includes(hostname.toLowerCase())) found.push({ address, family });
  }
  return found;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Not every system has these files.
    return '';
  }
}
