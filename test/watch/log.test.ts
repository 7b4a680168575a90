import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Verdict } from '../../src/exchange.ts';
import {
  type AccessFields,
  accessLine,
  createKeeperLog,
  createPathLog,
  type LogLine,
  refusedLine,
  wantsAccessLine,
} from '../../src/watch/log.ts';

const failed: Verdict = { kind: 'failed', reason: 'connect', status: null, message: 'target refused (ECONNREFUSED)' };
const access: AccessFields = {
  listener: 'ambassador',
  rule: 'users',
  target: 'prod',
  method: 'POST',
  uri: '/api/users?token=hunter2',
  remoteAddress: '127.0.0.1',
  verdict: failed,
  code: 502,
  durationSeconds: 0.0123456,
  targetSeconds: null,
  requestBytes: 47,
  responseBytes: 120,
  attempts: 1,
  record: '0199c3a1-0000-7000-8000-000000000001',
  traceId: '',
};
const refused = {
  listener: 'ambassador',
  remoteAddress: '10.0.0.1',
  status: 400,
  reason: 'framing',
  detail: 'The body is framed twice.',
  excerpt: 'GET / HTTP/1.1\r\nhost: a\r\n\r\n',
};

/** C0, DEL, C1, and what some readers take for a line break or swallow. */
const isControl = (character: string): boolean => /[\p{Cc}\u2028\u2029\ufeff]/u.test(character);

function keeperLog(level = 'info') {
  const lines: string[] = [];
  const log = createKeeperLog({ level, print: (line) => lines.push(line) });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? '') };
}

describe('lines', () => {
  test('a text is shown by the redaction that holds now, however often it came before', () => {
    const { log, last } = keeperLog();
    const line = accessLine({ ...access, rule: 'hunter2' });
    log.setRedaction({ uri: (uri) => uri, text: (text) => text });
    for (let times = 0; times < 2; times++) log.write(line);
    expect(last().rule).toBe('hunter2');
    log.setRedaction({ uri: () => '/', text: (text) => text.replace('hunter2', '***') });
    for (let times = 0; times < 2; times++) {
      log.write(line);
      expect(last()).toMatchObject({ rule: '***', uri: '/', msg: 'exchange failed' });
    }
  });

  test('thousands of different texts are each shown as what they are', () => {
    const { log, last } = keeperLog();
    for (let number = 0; number < 3000; number++) {
      const why = `${number}`.repeat(number % 50 || 1);
      log.write(accessLine({ ...access, verdict: { kind: 'failed', reason: 'connect', status: null, message: why } }));
      expect(last().why).toBe(why);
    }
  });

  test('the id of a record is no number of a card', () => {
    const { log, last } = keeperLog();
    log.setRedaction({ uri: (uri) => uri, text: () => '***' });
    log.write(accessLine(access));
    expect(last()).toMatchObject({ record: access.record, rule: '***' });
  });

  test('those that are posted together are printed together, each a line of its own, in their order', () => {
    const { log, lines } = keeperLog('warn');
    const quiet = accessLine({ ...access, verdict: { kind: 'delivered' } });
    log.write(accessLine(access), quiet, refusedLine(refused));
    expect(lines).toHaveLength(1);
    const messages = lines
      .join('')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).msg);
    expect(messages).toEqual(['exchange failed', 'request refused']);
    log.write(quiet);
    expect(lines).toHaveLength(1);
  });

  test('a finished exchange tells who, what, how long, and the record that was kept', () => {
    const { log, last } = keeperLog();
    log.write(accessLine(access, 1_697_812_345_678));
    expect(last()).toEqual({
      level: 'warn',
      time: '2023-10-20T14:32:25.678Z',
      msg: 'exchange failed',
      listener: 'ambassador',
      rule: 'users',
      target: 'prod',
      method: 'POST',
      uri: '/api/users?[redacted]',
      remoteAddress: '127.0.0.1',
      verdict: 'failed',
      reason: 'connect',
      targetStatus: null,
      why: 'target refused (ECONNREFUSED)',
      code: 502,
      ms: 12.346,
      targetMs: null,
      requestBytes: 47,
      responseBytes: 120,
      attempts: 1,
      record: '0199c3a1-0000-7000-8000-000000000001',
    });
  });

  test.each([
    ['none', failed, false],
    ['none', { kind: 'delivered' }, false],
    ['failures', failed, true],
    ['failures', { kind: 'abandoned' }, true],
    ['failures', { kind: 'delivered' }, false],
    ['all', { kind: 'delivered' }, true],
  ] as const)('with log.access %s a line for %j: %p', (setting, verdict, wanted) => {
    expect(wantsAccessLine(setting, verdict)).toBe(wanted);
  });

  test('a delivered exchange is an info line without a reason', () => {
    const line = accessLine({ ...access, verdict: { kind: 'delivered' }, record: '', traceId: 'abc' });
    expect(line.level).toBe('info');
    expect(line.fields).not.toHaveProperty('reason');
    expect(line.fields).not.toHaveProperty('record');
    expect(line.fields.traceId).toBe('abc');
  });

  test('a refused request tells why and shows its first bytes on one line', () => {
    const { log, last } = keeperLog();
    log.write(refusedLine(refused));
    expect(last()).toMatchObject({ msg: 'request refused', reason: 'framing', status: 400, remoteAddress: '10.0.0.1' });
    expect(last().excerpt).toBe('GET / HTTP/1.1\\r\\nhost: a\\r\\n\\r\\n');
  });
});

describe('S11 injection', () => {
  test('no byte that came in a request ends a line or reaches a terminal as a control character', () => {
    const { log, lines, last } = keeperLog();
    let all = '';
    for (let code = 0; code < 0x2100; code++) all += String.fromCharCode(code);
    log.write(accessLine({ ...access, uri: `/${all}`, method: all, remoteAddress: '\ufeff\u2028\u2029' }));
    log.log('info', { [all]: all }, all);
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      expect(line.endsWith('\n')).toBe(true);
      expect([...line.slice(0, -1)].filter(isControl)).toEqual([]);
    }
    expect(last().msg).toBe(all);
  });
});

describe('the keeper', () => {
  test('redacts targets by one function and every other text by the other, at any depth', () => {
    const { log, last } = keeperLog();
    log.setRedaction({ uri: () => 'URI', text: (text) => text.replaceAll('hunter2', '***') });
    log.log('info', { uri: '/x', why: 'hunter2', list: ['hunter2'], deep: { er: 'hunter2', n: 1 } }, 'is hunter2');
    expect(last()).toMatchObject({ uri: 'URI', why: '***', list: ['***'], deep: { er: '***', n: 1 }, msg: 'is ***' });
    log.log('error', { error: new TypeError('no hunter2') }, 'failed');
    expect(last().error).toBe('TypeError: no ***');
  });

  test('writes what reaches the level, which can change while it runs', () => {
    const { log, lines } = keeperLog('warn');
    log.log('info', {}, 'unheard');
    expect(lines).toHaveLength(0);
    log.setLevel('debug');
    log.log('debug', {}, 'heard');
    expect(lines).toHaveLength(1);
    log.setLevel('silent');
    log.log('fatal', {}, 'unheard');
    expect(lines).toHaveLength(1);
  });

  test('refuses a level that is none', () => {
    expect(() => createKeeperLog({ level: 'loud' })).toThrow(/loud/);
  });

  test('keeps the time at which the path made the line', () => {
    const { log, last } = keeperLog();
    log.write({ time: 0, level: 'info', message: 'early', fields: {} });
    expect(last().time).toBe('1970-01-01T00:00:00.000Z');
  });
});

describe('the path', () => {
  test('hands lines to the keeper and prints nothing itself', () => {
    const posted: LogLine[] = [];
    const printed: string[] = [];
    const log = createPathLog(
      (line) => posted.push(line) > 0,
      'info',
      (text) => printed.push(text) > 0,
    );
    log.log('warn', { target: 'prod' }, 'target left out');
    log.log('debug', {}, 'unheard');
    expect(posted).toMatchObject([{ level: 'warn', fields: { target: 'prod' }, message: 'target left out' }]);
    expect(printed).toEqual([]);
  });

  test('without a keeper prints a JSON line of its own, targets without their query', () => {
    const printed: string[] = [];
    const log = createPathLog(
      () => false,
      'info',
      (text) => printed.push(text) > 0,
    );
    log.write(accessLine({ ...access, method: 'A\nB\u009b' }));
    expect(printed).toHaveLength(1);
    expect(printed[0]).toMatch(/^\{"level":"warn","time":"[^\n\u009b]*\}\n$/);
    expect(printed[0]).not.toContain('hunter2');
    expect(JSON.parse(printed[0] ?? '')).toMatchObject({ uri: '/api/users?[redacted]', method: 'A\nB\u009b' });
  });

  test.each([
    ['path', '/a/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln/b?x=1', '/a/[redacted]/b?[redacted]'],
    ['card', '/cards/4111-1111-1111-1111', '/cards/[redacted]'],
  ])('without a keeper, and before it has its settings, no value of secret form is shown: %s', (_, uri, shown) => {
    const printed: string[] = [];
    const print = (text: string) => printed.push(text) > 0;
    createPathLog(() => false, 'info', print).write(accessLine({ ...access, uri }));
    createKeeperLog({ level: 'info', print }).log('info', { uri }, 'refused');
    expect(printed.map((line) => JSON.parse(line).uri)).toEqual([shown, shown]);
    expect(printed.join('')).not.toMatch(/eyJ|4111/);
  });

  test('counts what nobody took', () => {
    const log = createPathLog(
      () => false,
      'info',
      () => false,
    );
    log.log('info', {}, 'lost');
    expect(log.dropped).toBe(1);
    log.setLevel('error');
    log.log('info', {}, 'not meant to be written');
    expect(log.dropped).toBe(1);
  });
});

describe('a process', () => {
  const logModule = join(import.meta.dirname, '../../src/watch/log.ts');
  const run = (script: string) =>
    spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', timeout: 20_000 });

  test('finds on standard output what was logged before it died, from both sides', () => {
    const { stdout } = run(`
      import { createKeeperLog, createPathLog } from ${JSON.stringify(logModule)};
      createKeeperLog({ level: 'info' }).log('info', { n: 1 }, 'by the keeper');
      createPathLog(() => false).log('info', { n: 2 }, 'by the path');
      process.kill(process.pid, 'SIGKILL');
    `);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['by the keeper', 'by the path']);
  });

  test('survives a standard output that nobody reads any more', () => {
    const script = `
      import { createKeeperLog, createPathLog } from ${JSON.stringify(logModule)};
      const keeper = createKeeperLog({ level: 'info' });
      const path = createPathLog(() => false);
      const { setImmediate: turn } = await import('node:timers/promises');
      for (let n = 0; n < 2_000 && path.dropped === 0; n++) {
        path.log('info', {}, 'x'.repeat(1000));
        keeper.log('info', {}, 'x'.repeat(1000));
        await turn();
      }
      process.exitCode = path.dropped > 0 ? 42 : 1;
    `;
    const quoted = `'${script.replaceAll("'", "'\\''")}'`;
    const shell = `{ "$0" --input-type=module -e ${quoted}; echo "exit $?" >&2; } | true`;
    const { stderr } = spawnSync('sh', ['-c', shell, process.execPath], { encoding: 'utf8', timeout: 20_000 });
    expect(stderr).toContain('exit 42');
  });
});
