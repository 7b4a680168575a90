import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { temporaryFolder } from './cleanup.ts';
import { MetricSamples } from './metric-samples.ts';
import { type OutriderOptions, startOutrider } from './outrider.ts';
import { anonymousMemory, openFiles } from './process-facts.ts';
import { sendRaw } from './raw-client.ts';

/** A stand-in that says what it is told to and misbehaves as `WRONG` says. */
const STAND_IN = `
import { createServer as http } from 'node:http';
import { createServer as tcp } from 'node:net';
import { openSync } from 'node:fs';
const wrong = process.env.WRONG ?? '';
if (wrong === 'exits') { console.error('no: config.yaml:1:1'); process.exit(64); }
const listen = (server) => new Promise((done) => server.listen(0, '127.0.0.1', () => done('127.0.0.1:' + server.address().port)));
const metrics = http((request, response) => {
  if (wrong === 'opens') openSync(process.env.LEAK, 'a');
  response.end('outrider_requests_in_flight ' + (wrong === 'busy' ? 3 : 0) + '\\n');
});
const listener = tcp({ allowHalfOpen: wrong === 'half-closed' }, (socket) => socket.resume());
console.log('no json');
console.log(JSON.stringify({ level: 30, msg: 'listening', listeners: { ambassador: [await listen(listener)] },
  metrics: await listen(metrics), admin: await listen(http()) }));
process.on('SIGTERM', () => {
  if (wrong === 'stays') return;
  if (wrong === 'forced') console.log(JSON.stringify({ level: 40, msg: 'forced exit: 1 timer left' }));
  process.exit(wrong === 'code' ? 3 : 0);
});
`;

function standIn(wrong: string, options: OutriderOptions = {}): ReturnType<typeof startOutrider> {
  const folder = temporaryFolder();
  const entry = join(folder, 'stand-in.mjs');
  writeFileSync(entry, STAND_IN);
  return startOutrider({ ...options, entry, env: { WRONG: wrong, LEAK: join(folder, 'leak') } });
}

describe('startOutrider', () => {
  test('knows the addresses, collects logs, and stops clean', async () => {
    const outrider = await standIn('');
    expect(outrider.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(outrider.logs.map(({ msg }) => msg)).toEqual(['no json', 'listening']);
    expect((await outrider.metrics()).value('requests_in_flight')).toBe(0);
    expect(anonymousMemory(outrider.pid)).toBeGreaterThan(1024 * 1024);
    expect(openFiles(process.pid)).not.toContain('/nowhere');
    await outrider.stop();
    expect(() => outrider.pid).toThrow('not running');
  });

  test('writes both files, its own ports and spool folder in front of what is given', async () => {
    const given = { listeners: [{ name: 'a', address: 'localhost:0' }], spool: { size: '16Mi' } };
    const outrider = await standIn('', { outrider: given, routes: 'default: reject\n' });
    const config = JSON.parse(readFileSync(join(outrider.configDir, 'outrider.yaml'), 'utf8'));
    expect(config).toMatchObject({ ...given, admin: { address: 'localhost:0' } });
    expect(config.spool).toEqual({ path: outrider.spoolDir, size: '16Mi' });
    outrider.editRoutes({ default: 'prod' });
    expect(JSON.parse(readFileSync(join(outrider.configDir, 'routes.yaml'), 'utf8'))).toEqual({ default: 'prod' });
  });

  test('starts again after a kill -9, on other ports, with the logs of both lives', async () => {
    const outrider = await standIn('');
    const { port, pid } = outrider;
    await outrider.restart();
    expect(outrider.pid).not.toBe(pid);
    expect(outrider.port).not.toBe(port);
    expect(outrider.logs.filter(({ msg }) => msg === 'listening')).toHaveLength(2);
  });

  test('tells what was printed when it ends before it listens', async () => {
    await expect(standIn('exits')).rejects.toThrow(/exited .*64.* before it listened[\s\S]*no: config\.yaml:1:1/);
  });

  test.each([
    ['code', /ended with code 3/],
    ['forced', /it logged: forced exit: 1 timer left/],
    ['busy', /3 requests in flight/],
    ['opens', /open file .*leak/],
  ])('fails the test when it does not end clean: %s', async (wrong, message) => {
    const outrider = await standIn(wrong, { settleMs: 200 });
    await expect(outrider.stop()).rejects.toThrow(message);
  });

  test('fails the test when a connection that the caller closed stays open', async () => {
    const outrider = await standIn('half-closed', { settleMs: 200 });
    await sendRaw(outrider.port, 'x', { idleMs: 20 });
    await expect(outrider.stop()).rejects.toThrow(/half-closed socket/);
  });

  test('fails the test when a body file has no record, or a record no body file', async () => {
    const outrider = await standIn('');
    const folder = join(outrider.spoolDir, 'local');
    mkdirSync(join(folder, 'bodies'), { recursive: true });
    writeFileSync(join(folder, 'bodies', 'orphan'), '');
    const database = new DatabaseSync(join(folder, 'spool.db'));
    database.exec("CREATE TABLE records (body_file TEXT); INSERT INTO records VALUES (NULL), ('gone')");
    database.close();
    await expect(outrider.stop()).rejects.toThrow(
      /body file orphan without a record\n- a record without its body file gone/,
    );
  });

  test('fails the test when it is still there after SIGTERM', async () => {
    const outrider = await standIn('stays', { stopMs: 200 });
    await expect(outrider.stop()).rejects.toThrow(/still there 200 ms after SIGTERM/);
  });
});

describe('MetricSamples', () => {
  const samples = new MetricSamples(
    [
      '# HELP outrider_requests_total Requests',
      'outrider_requests_total{rule="a",code="200"} 3',
      'outrider_requests_total{rule="b\\"\\\\\\n,}",code="200"} 4',
      'outrider_up 1',
      'outrider_duration_bucket{le="+Inf"} 7',
      '',
    ].join('\n'),
  );

  test('sums what has the labels, 0 where nothing has', () => {
    expect(samples.value('requests_total')).toBe(7);
    expect(samples.value('outrider_requests_total', { rule: 'a' })).toBe(3);
    expect(samples.value('requests_total', { rule: 'b"\\\n,}' })).toBe(4);
    expect(samples.value('requests_total', { rule: 'c' })).toBe(0);
    expect(samples.select('duration_bucket')[0]?.labels).toEqual({ le: '+Inf' });
  });

  test('refuses a line that is no sample', () => {
    expect(() => new MetricSamples('outrider up 1')).toThrow('not a sample');
  });
});
