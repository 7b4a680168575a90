/** Ranges of addresses: `10.0.0.0/8`, `fd00::/8`, or one address (RFC 4632 section 3.1, RFC 4291 section 2.3). */
import ipaddr from 'ipaddr.js';

export type Address = ipaddr.IPv4 | ipaddr.IPv6;

export interface Cidr {
  readonly address: Address;
  readonly bits: number;
}

/** Four decimal parts and no other way of writing them: `010.0.0.1` and `10.1` are read differently elsewhere. */
const IPV4 = /^(?:(?:0|[1-9][0-9]{0,2})(?:\.(?!$)|$)){4}$/;

/** An address as text, an IPv4-mapped one (RFC 4291 section 2.5.5.2) as the IPv4 it is; null for anything else. */
export function parseIp(text: string): Address | null {
  if (IPV4.test(text)) return ipaddr.IPv4.isValid(text) ? ipaddr.IPv4.parse(text) : null;
  // A zone names an interface of this machine, not another address.
  const bare = hexadecimal(text.split('%', 1)[0] ?? '');
  if (bare === null || !ipaddr.IPv6.isValid(bare)) return null;
  const address = ipaddr.IPv6.parse(bare);
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}

/** The library takes `::10.0.0.1` for `::ffff:10.0.0.1`: both are written without dots first. Null: no IPv6 address. */
function hexadecimal(text: string): string | null {
  if (!text.includes(':')) return null;
  const tail = text.slice(text.lastIndexOf(':') + 1);
  if (!tail.includes('.')) return text;
  if (!IPV4.test(tail) || !ipaddr.IPv4.isValid(tail)) return null;
  const [a = 0, b = 0, c = 0, d = 0] = ipaddr.IPv4.parse(tail).octets;
  return `${text.slice(0, -tail.length)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

/** What is wrong with a range as text, in words for a person; null: nothing. */
export function cidrMistake(text: string): string | null {
  const cidr = parseCidr(text);
  if (cidr === null) return 'expected a range such as 10.0.0.0/8 or fd00::/8, or one address';
  const first = networkOf(cidr);
  return first === cidr.address.toString() ? null : `its first address is ${first}: write ${first}/${cidr.bits}`;
}

export function parseCidr(text: string): Cidr | null {
  const [, host = '', digits] = /^([^/]+)(?:\/([0-9]{1,3}))?$/.exec(text) ?? [];
  // Mapped ones are compared as IPv4: a range of them would mean another thing than it says.
  const address = /^::ffff:/i.test(host) || host.includes('%') ? null : parseIp(host);
  if (address === null) return null;
  const longest = address.kind() === 'ipv4' ? 32 : 128;
  const bits = digits === undefined ? longest : Number(digits);
  return bits <= longest ? { address, bits } : null;
}

export function isInCidr(address: Address, { address: network, bits }: Cidr): boolean {
  if (address instanceof ipaddr.IPv4) return network instanceof ipaddr.IPv4 && address.match(network, bits);
  return network instanceof ipaddr.IPv6 && address.match(network, bits);
}

function networkOf({ address, bits }: Cidr): string {
  const bytes = address.toByteArray().map((byte, index) => {
    const kept = Math.min(8, Math.max(0, bits - index * 8));
    return byte & (0xff00 >> kept) & 0xff;
  });
  return ipaddr.fromByteArray(bytes).toString();
}
