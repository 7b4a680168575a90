/**
 * Where an address that came with a request may lead: to the public internet, and to what `egress.allow` opens. Pure;
 * asked for the address as it is written, for every address that its name has, and for the one that is connected to.
 * Targets of the configuration are not asked about: whoever writes it may send anywhere.
 */
import { type Address, type Cidr, isInCidr, parseCidr, parseIp } from '../accept/cidr.ts';

/** What kind of place an address is (RFC 6890 and the IANA registries of special addresses). */
export type Place =
  | 'public'
  /** RFC 1918, RFC 4193, and RFC 6598 (carrier-grade NAT). */
  | 'private'
  | 'loopback'
  /** The cloud's metadata service is one of them. */
  | 'linkLocal'
  /** Multicast, broadcast, unspecified, for documentation, reserved. */
  | 'special'
  /** An IPv4 address inside: NAT64, 6to4, Teredo and the like lead to wherever that one does. */
  | 'embedding';

/** Null: go on. Else why not, in words for a person; no more of the network behind is told than the place's kind. */
export type EgressRefusal = string | null;

const PRIVATE = new Set(['private', 'uniqueLocal', 'carrierGradeNat']);
const EMBEDDING = new Set(['ipv4Mapped', 'rfc6145', 'rfc6052', '6to4', 'teredo']);
/** Of ranges that are more than one kind; a range in `allow` opens these only where it lies inside. */
const NARROW: Readonly<Partial<Record<Place, readonly Cidr[]>>> = {
  loopback: ['127.0.0.0/8', '::1/128'].flatMap((text) => parseCidr(text) ?? []),
  linkLocal: ['169.254.0.0/16', 'fe80::/10'].flatMap((text) => parseCidr(text) ?? []),
};
/** IPv4-compatible (RFC 4291 section 2.5.5.1) and local-use NAT64 (RFC 8215): the library counts them as unicast. */
const MORE_EMBEDDING = ['::/96', '64:ff9b:1::/48'].flatMap((text) => parseCidr(text) ?? []);
/** Of the public ranges, but inside a cloud: Azure's host gives a virtual machine its secrets there. */
const INSIDE = '168.63.129.16';

export function placeOf(address: Address): Place {
  const range = address.range();
  if (range === 'loopback') return 'loopback';
  if (range === 'linkLocal') return 'linkLocal';
  if (PRIVATE.has(range)) return 'private';
  if (range === 'unspecified') return 'special';
  if (EMBEDDING.has(range) || MORE_EMBEDDING.some((cidr) => isInCidr(address, cidr))) return 'embedding';
  return range === 'unicast' && address.toString() !== INSIDE ? 'public' : 'special';
}

export interface EgressOptions {
  /** `egress.allow`, and what the rule adds to it. */
  readonly allow: readonly string[];
  /** Ports that this process listens on: a request must not make it talk to itself. */
  readonly ownPorts: readonly number[];
  /** Addresses of this machine other than loopback. */
  readonly ownAddresses: readonly string[];
}

export class Egress {
  private readonly allow: readonly Cidr[];
  private readonly ownPorts: ReadonlySet<number>;
  private readonly ownAddresses: ReadonlySet<string>;

  constructor({ allow, ownPorts, ownAddresses }: EgressOptions) {
    this.allow = allow.flatMap((text) => parseCidr(text) ?? []);
    this.ownPorts = new Set(ownPorts);
    this.ownAddresses = new Set(ownAddresses.map((text) => parseIp(text)?.toString() ?? text));
  }

  /** `text`: an address as a resolver or a socket gives it. */
  refuse(text: string, port: number): EgressRefusal {
    const address = parseIp(text);
    if (address === null) return 'this is no address';
    const place = placeOf(address);
    const isOwn = place === 'loopback' || this.ownAddresses.has(address.toString());
    if (isOwn && this.ownPorts.has(port)) return 'this is Outrider itself';
    if (place === 'public' || this.opens(address, place)) return null;
    return `a ${WORDS[place]} address, which egress.allow does not open`;
  }

  /**
   * Of all addresses of a name: one that is refused refuses the name, for the next look-up may put it first. An empty
   * list is no address.
   */
  refuseAny(texts: readonly string[], port: number): EgressRefusal {
    if (texts.length === 0) return 'this is no address';
    for (const text of texts) {
      const refusal = this.refuse(text, port);
      if (refusal !== null) return refusal;
    }
    return null;
  }

  /** Of a URL that came with a request. What is an address in any spelling is judged now, a name when it is resolved. */
  refuseUrl(text: string): EgressRefusal {
    const url = URL.parse(text);
    if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return 'this is no http or https URL';
    if (url.username !== '' || url.password !== '') return 'a URL with a user or a password';
    if (/[^!-~]/.test(text)) return 'a URL with characters that must be encoded';
    const host = url.hostname.replace(/^\[|\]$/g, '');
    // The URL Standard has read 127.1, 0x7f000001, 017700000001 and 2130706433 as what they are.
    return parseIp(host) === null ? null : this.refuse(host, portOf(url));
  }

  private opens(address: Address, place: Place): boolean {
    if (place !== 'private' && place !== 'loopback' && place !== 'linkLocal') return false;
    const narrow = NARROW[place];
    return this.allow.some(
      (range) =>
        isInCidr(address, range) &&
        (narrow === undefined || narrow.some((own) => range.bits >= own.bits && isInCidr(range.address, own))),
    );
  }
}

export function portOf({ port, protocol }: URL): number {
  if (port !== '') return Number(port);
  return protocol === 'https:' ? 443 : 80;
}

const WORDS: Readonly<Record<Place, string>> = {
  public: 'public',
  private: 'private',
  loopback: 'loopback',
  linkLocal: 'link-local',
  special: 'special',
  embedding: 'translated',
};
