/** `host:port` of a listener, and the addresses that it means. */

export interface BindPlace {
  /** The first must be bound; the others where the kernel has their family. */
  readonly hosts: readonly string[];
  readonly port: number;
}

/** Throws RangeError for what is no `host:port`; validation has kept those out. */
export function bindPlace(address: string): BindPlace {
  const found = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(address);
  const host = found?.[1] ?? found?.[2];
  const port = Number(found?.[3]);
  if (host === undefined || port > 65_535) throw new RangeError(`"${address}" is no host:port`);
  return { hosts: hostsOf(host), port };
}

/** Software that says `localhost` may mean either family: nginx takes them in turn. */
function hostsOf(host: string): string[] {
  if (host === 'localhost') return ['127.0.0.1', '::1'];
  if (host === '*') return ['0.0.0.0', '::'];
  return [host];
}

/** IPv4 as such, also where a socket for both families has it. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}
