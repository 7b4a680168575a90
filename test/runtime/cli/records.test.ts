import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCli } from '../../../src/runtime/cli/cli.ts';
import { temporaryFolder } from '../../helpers/cleanup.ts';
import { memoryContext, outrider } from '../../helpers/cli.ts';
import { answering, startTarget } from '../../helpers/node-target.ts';
import { closedPort } from '../../helpers/ports.ts';

const RECORD = {
  id: '0199c3a1-0000-7000-8000-000000000001',
  timestamp: 1697812345.678,
  state: 'held',
  mirror: 'waiting',
  rule: 'users',
  target: 'prod',
  reason: 'status',
  method: 'POST',
  uri: '/api/users?x=\u001b[2J',
  raw_headers: [['Host', 'localhost']],
  headers: { host: 'localhost' },
  body: '{"a":1}',
  body_bytes: 7,
  response: { status: 503 },
};

const adminAnswering = (status: number, body: unknown) => startTarget(answering(status, JSON.stringify(body)));

async function run(...args: string[]): Promise<{ code: number; lines: string[]; errors: string[] }> {
  const context = memoryContext();
  return { code: await runCli(args, context), lines: context.lines, errors: context.errors };
}

describe('outrider records', () => {
  test('shows a line a record with what a request carried made harmless, and how to go on', async () => {
    const admin = await adminAnswering(200, { records: [RECORD], next: '17' });
    const { code, lines, errors } = await run('records', '--admin', admin.url, '--state', 'held', '--since', '1h');
    expect(code).toBe(0);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^ID +TIME +STATE +MIRROR +RULE +TARGET +REASON +STATUS +REQUEST$/);
    expect(lines[1]).toContain(
      '2023-10-20T14:32:25.678Z  held   waiting  users  prod    status  503     POST /api/users',
    );
    expect(lines[1]).toContain('\\x1b[2J');
    expect(errors).toEqual(['there are more: --cursor 17']);
    expect(admin.last().uri).toBe('/api/records?state=held&since=1h&limit=50');
  });

  test('--mirror parked asks for those that Kafka refused, and one of them says why', async () => {
    const parked = { ...RECORD, mirror: 'parked', mirror_reason: 'INVALID_RECORD: no key' };
    const list = await adminAnswering(200, { records: [parked], next: null });
    await run('records', '--admin', list.url, '--mirror', 'parked');
    expect(list.last().uri).toBe('/api/records?mirror=parked&limit=50');
    const one = await adminAnswering(200, parked);
    const { lines } = await run('records', RECORD.id, '--admin', one.url);
    expect(lines.find((line) => line.startsWith('mirror reason'))).toContain('INVALID_RECORD: no key');
  });

  test('--json gives the records as the API does', async () => {
    const admin = await adminAnswering(200, { records: [RECORD], next: null });
    const { lines } = await run('records', '--admin', admin.url, '--json');
    expect(JSON.parse(lines.join('\n'))).toEqual({ records: [RECORD], next: null });
  });

  test('S11 --json gives a terminal nothing to obey, and means the same', async () => {
    const record = { ...RECORD, body: 'a\u009b2J\u001b[2J\u007f\u202e\u2028b', rule: '\u0085' };
    const list = await adminAnswering(200, { records: [record], next: null });
    const one = await adminAnswering(200, record);
    for (const args of [
      ['--admin', list.url],
      [RECORD.id, '--admin', one.url],
    ]) {
      const text = (await run('records', ...args, '--json')).lines.join('\n');
      expect(text.replaceAll('\n', '')).toMatch(/^[^\p{Cc}\u2028\u202e]+$/u);
      expect(JSON.stringify(JSON.parse(text))).toContain(JSON.stringify(record.body));
    }
  });

  test('with an id shows that record, what was sent included', async () => {
    const admin = await adminAnswering(200, RECORD);
    const { code, lines } = await run('records', RECORD.id, '--admin', admin.url);
    expect(code).toBe(0);
    expect(admin.last().uri).toBe(`/api/records/${RECORD.id}`);
    expect(lines).toContain('POST /api/users?x=\\x1b[2J');
    expect(lines).toContain('Host: localhost');
    expect(lines.at(-1)).toBe('{"a":1}');
  });

  test('sends the token of a file, and never takes one as an argument', async () => {
    const admin = await adminAnswering(200, { records: [], next: null });
    const file = join(temporaryFolder(), 'token');
    writeFileSync(file, 's3cret\n');
    await run('records', '--admin', admin.url, '--token-file', file);
    expect(admin.last().headers.authorization).toBe('Bearer s3cret');
    expect((await run('records', '--token', 's3cret')).code).toBe(64);
  });
});

describe('the admin API away or odd', () => {
  test('nobody listening is one line that names the option, and 1', async () => {
    const { code, errors } = await run('records', '--admin', `localhost:${await closedPort()}`);
    expect(code).toBe(1);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(/^outrider: no answer from localhost:\d+ \(ECONNREFUSED\).*--admin$/);
  });

  test('a problem document is told by its title and detail', async () => {
    const admin = await adminAnswering(404, { title: 'No such record', detail: 'released records stay 7 days' });
    const { code, errors } = await run('records', 'x', '--admin', admin.url);
    expect(code).toBe(1);
    expect(errors).toEqual(['outrider: /api/records/x answered 404: No such record: released records stay 7 days']);
  });

  test.each([
    ['no JSON', 'records', '<html>', /answered no JSON/],
    ['no list', 'records', '{}', /no list of records/],
    ['no ledger', 'ledger', '[]', /no ledger/],
  ])('%s is told, and 1', async (_what, command, body, message) => {
    const admin = await startTarget(answering(200, body));
    const { code, errors } = await run(command, '--admin', admin.url);
    expect(code).toBe(1);
    expect(errors[0]).toMatch(message);
  });

  test('an address that is no URL, and a token file that is not there, are 64', async () => {
    expect((await run('records', '--admin', 'http://a b')).errors[0]).toMatch(/--admin http:\/\/a b is no URL/);
    const { code, errors } = await run('records', '--token-file', '/nowhere/token');
    expect(code).toBe(64);
    expect(errors[0]).toMatch(/--token-file \/nowhere\/token can't be read \(ENOENT\)/);
  });
});

describe('outrider ledger', () => {
  const agreeing = {
    captured: 12,
    states: { held: 9, lost: 3 },
    lost: { rate: 3, maxAge: 0, dropOldest: 0 },
    difference: 0,
    verified: { claimed: { held: 9, lost: 3 }, secondCount: 12, agrees: true },
  };

  test('shows captured, every state, why records were lost, and the difference', async () => {
    const { verified: _, ...plain } = agreeing;
    const admin = await adminAnswering(200, plain);
    const { code, lines } = await run('ledger', '--admin', admin.url);
    expect(code).toBe(0);
    expect(lines).toEqual([
      'captured         12',
      'held             9',
      'lost             3',
      '  lost for rate  3',
      'difference       0',
    ]);
    expect(JSON.parse((await run('ledger', '--admin', admin.url, '--json')).lines.join('\n'))).toEqual(plain);
  });

  test('--verify has every row counted, and ends with 0 when all agrees', async () => {
    const admin = await adminAnswering(200, agreeing);
    const { code, lines } = await run('ledger', '--admin', admin.url, '--verify');
    expect(code).toBe(0);
    expect(lines.at(-1)).toBe('second count     12');
    expect(admin.last().uri).toBe('/api/ledger?verify=true');
  });

  test.each([
    ['a difference', { captured: 13, difference: 1 }, /differ by 1/],
    ['rows that are not what it said', { states: { held: 8, lost: 3 }, captured: 11 }, /said 9 held, the rows are 8/],
    [
      'another second count',
      { verified: { ...agreeing.verified, secondCount: 14, agrees: false } },
      /second count .* 14/,
    ],
    ['no second count', { verified: { ...agreeing.verified, secondCount: null, agrees: false } }, /can not be read/],
    ['an older release', { verified: undefined }, /older release/],
  ])('--verify with %s ends with 1 and says so', async (_, change, message) => {
    const admin = await adminAnswering(200, { ...agreeing, ...change });
    expect((await run('ledger', '--admin', admin.url)).code).toBe(0);
    const { code, errors } = await run('ledger', '--admin', admin.url, '--verify');
    expect(code).toBe(1);
    expect(errors.join('\n')).toMatch(message);
  });
});

test('a reader that closes the pipe early is no error', async () => {
  const many = { records: Array.from({ length: 5_000 }, () => RECORD), next: null };
  const admin = await adminAnswering(200, many);
  const { code, stderr } = await outrider(['records', '--admin', admin.url], { closeStdout: true });
  expect(stderr).toBe('');
  expect(code).toBe(0);
});
