import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseIp } from '../../src/accept/cidr.ts';
import { Egress, type EgressOptions, placeOf } from '../../src/replay/egress.ts';

const CORPUS = join(import.meta.dirname, '../../../shared/corpus/ssrf-addresses.json');

const egress = (options: Partial<EgressOptions> = {}): Egress =>
  new Egress({ allow: [], ownPorts: [], ownAddresses: [], ...options });

interface Case {
  readonly id: string;
  readonly ip: string;
  readonly port: number;
  readonly verdict: 'allow' | 'deny';
  readonly smokescreen_class: string;
  readonly depends_on_test_config: boolean;
}

const isPrivate = (ip: string): boolean => /^(10|172\.(1[6-9]|2\d|3[01])|192\.168)\./.test(ip);

/** Rows of the corpus that need no lists of the project they come from. */
function corpus(): Case[] {
  if (!existsSync(CORPUS)) {
    console.log('skipped: ../shared/corpus is not there');
    return [];
  }
  const { cases }: { cases: Case[] } = JSON.parse(readFileSync(CORPUS, 'utf8'));
  return cases.filter(({ depends_on_test_config: depends }) => !depends);
}

test('S01 every address of the corpus is allowed or denied as it says', () => {
  for (const { ip, port, verdict, smokescreen_class: kind } of corpus()) {
    // Its last rows are judged with private ranges open.
    const open = isPrivate(ip) && kind === 'ipAllowDefault';
    const allow = open ? ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'] : [];
    const refusal = egress({ allow }).refuse(ip, port);
    expect({ ip, verdict: refusal === null ? 'allow' : 'deny' }).toEqual({ ip, verdict });
  }
});

test.each([
  ['8.8.8.8', 'public'],
  ['2001:4860:4860::8888', 'public'],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.255', 'loopback'],
  ['::1', 'loopback'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:7f00:1', 'loopback'],
  ['10.0.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['192.168.0.1', 'private'],
  ['100.64.0.1', 'private'],
  ['::ffff:10.0.0.1', 'private'],
  ['fc00::1', 'private'],
  ['fdff::1', 'private'],
  ['169.254.169.254', 'linkLocal'],
  ['::ffff:169.254.169.254', 'linkLocal'],
  ['fe80::1', 'linkLocal'],
  ['fe80::1%eth0', 'linkLocal'],
  ['0.0.0.0', 'special'],
  ['0.1.2.3', 'special'],
  ['::', 'special'],
  ['224.0.0.1', 'special'],
  ['239.255.255.255', 'special'],
  ['255.255.255.255', 'special'],
  ['240.0.0.1', 'special'],
  ['192.0.2.1', 'special'],
  ['198.51.100.1', 'special'],
  ['203.0.113.1', 'special'],
  ['198.18.0.1', 'special'],
  ['192.0.0.1', 'special'],
  ['192.88.99.1', 'special'],
  ['ff02::1', 'special'],
  ['fec0::1', 'special'],
  ['2001:db8::1', 'special'],
  ['3fff::1', 'special'],
  ['100::1', 'special'],
  ['168.63.129.16', 'special'],
  ['::ffff:168.63.129.16', 'special'],
  ['168.63.129.17', 'public'],
  ['64:ff9b::a00:1', 'embedding'],
  ['64:ff9b:1::a00:1', 'embedding'],
  ['2002:7f00:1::', 'embedding'],
  ['2001:0:7f00:1::', 'embedding'],
  ['::10.0.0.1', 'embedding'],
  ['::7f00:1', 'embedding'],
  ['::ffff:0:10.0.0.1', 'embedding'],
])('S01 %s is %s', (text, place) => {
  const address = parseIp(text);
  expect(address === null ? null : placeOf(address)).toBe(place);
  expect(egress().refuse(text, 443) === null).toBe(place === 'public');
});

test.each([
  'http://127.0.0.1/',
  'http://127.1/',
  'http://0/',
  'http://0.0.0.0/',
  'http://2130706433/',
  'http://0x7f000001/',
  'http://0x7f.1/',
  'http://017700000001/',
  'http://0177.0.0.01/',
  'http://[::1]/',
  'http://[::]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[0:0:0:0:0:ffff:7f00:1]/',
  'http://[::127.0.0.1]/',
  'http://①②⑦.⓪.⓪.①/',
  'http://127。0。0。1/',
  'http://169.254.169.254/latest/meta-data/',
  'http://169.254.43518/',
  'http://0xa9fea9fe/',
  'http://10.0.0.1:8080/x',
  'https://192.168.1.1/',
  'http://[fd00::1]/',
  'http://[64:ff9b::7f00:1]/',
  'http://user:pw@8.8.8.8/',
  'http://8.8.8.8@127.0.0.1/',
  'ftp://8.8.8.8/',
  'file:///etc/passwd',
  'gopher://8.8.8.8/',
  'javascript:alert(1)',
  '//8.8.8.8/',
  '8.8.8.8',
  '',
  'http://',
  'http://8.8.8.8/\r\nX-Evil: 1',
  'http://8.8.8.8/ x',
  'http://127.0.0.1\\@8.8.8.8/',
])('S01 the URL %j is refused', (url) => {
  expect(egress().refuseUrl(url)).toEqual(expect.any(String));
});

test.each([
  'http://8.8.8.8/x?y=z',
  'https://[2606:4700:4700::1111]:8443/',
  'https://hooks.example/',
  'http://localhost/',
])('S01 the URL %s is not refused before its name is resolved', (url) => {
  expect(egress().refuseUrl(url)).toBeNull();
});

describe('egress.allow', () => {
  test.each([
    [['10.0.0.0/8'], '10.1.2.3', true],
    [['10.1.0.0/16'], '10.2.0.0', false],
    [['10.0.0.0/8'], '::ffff:10.1.2.3', true],
    [['fd00::/8'], 'fd12::1', true],
    [['100.64.0.0/10'], '100.64.1.1', true],
    [['127.0.0.1'], '127.0.0.1', true],
    [['127.0.0.1'], '127.0.0.2', false],
    [['169.254.169.254/32'], '169.254.169.254', true],
    // All of IPv4 is a way to say "the private ranges", not "this machine and the cloud's metadata".
    [['0.0.0.0/0'], '192.168.0.1', true],
    [['0.0.0.0/0'], '127.0.0.1', false],
    [['0.0.0.0/0'], '169.254.169.254', false],
    [['::/0'], 'fd00::1', true],
    [['::/0'], '::1', false],
    [['::/0'], 'fe80::1', false],
    [['::/0'], '10.0.0.1', false],
    // Never: nobody is there, or somebody else than it says.
    [['0.0.0.0/0', '::/0'], '0.0.0.0', false],
    [['0.0.0.0/0', '::/0'], '255.255.255.255', false],
    [['0.0.0.0/0', '::/0'], '224.0.0.1', false],
    [['64:ff9b::/96'], '64:ff9b::a00:1', false],
    [['::/0'], '2002:a00:1::1', false],
    [['no range'], '10.0.0.1', false],
  ])('%j opens %s: %s', (allow, address, open) => {
    expect(egress({ allow }).refuse(address, 80) === null).toBe(open);
  });

  test('says what kind of place is closed, and nothing more', () => {
    expect(egress().refuse('10.1.2.3', 80)).toBe('a private address, which egress.allow does not open');
    expect(egress().refuse('not an address', 80)).toBe('this is no address');
  });
});

test('S01 Outrider never talks to itself, whatever is open', () => {
  const open = egress({ allow: ['127.0.0.0/8', '10.0.0.0/8'], ownPorts: [5000, 5091], ownAddresses: ['10.0.0.7'] });
  expect(open.refuse('127.0.0.1', 5000)).toBe('this is Outrider itself');
  expect(open.refuse('127.9.9.9', 5091)).toBe('this is Outrider itself');
  expect(open.refuse('::ffff:127.0.0.1', 5091)).toBe('this is Outrider itself');
  expect(open.refuse('10.0.0.7', 5000)).toBe('this is Outrider itself');
  expect(open.refuse('10.0.0.7', 80)).toBeNull();
  expect(open.refuse('10.0.0.8', 5000)).toBeNull();
  expect(open.refuse('127.0.0.1', 80)).toBeNull();
});

test('S02 one private address among public ones refuses the name, and so does none', () => {
  expect(egress().refuseAny(['8.8.8.8', '1.1.1.1'], 80)).toBeNull();
  expect(egress().refuseAny(['8.8.8.8', '10.0.0.1'], 80)).toContain('private');
  expect(egress().refuseAny([], 80)).toBe('this is no address');
});
