import { startTarget } from '../helpers/node-target.ts';
import { startOutrider } from '../helpers/outrider.ts';
import { sendRaw } from '../helpers/raw-client.ts';
import { startRawTarget } from '../helpers/raw-target.ts';
import { waitFor } from '../helpers/wait.ts';

const FORGED = '{"level":30,"msg":"forged-line"}';

test('S11 nothing that a caller, a target or a configuration says makes a line of the log, or reaches a terminal', async () => {
  const target = await startTarget();
  const broken = await startRawTarget(async (connection) => {
    await connection.readHead();
    await connection.send(`HTTP/1.1 200 \x1b[31m${FORGED}\rX\r\nX: ${FORGED}\x00\r\n\r\n`);
  });
  const outrider = await startOutrider({
    outrider: { log: { access: 'all', level: 'debug' } },
    routes: {
      targets: { prod: target.url, broken: broken.url },
      rules: [{ name: 'broken', match: { paths: ['/broken'] }, target: 'broken' }],
      default: 'prod',
    },
  });
  const requests = [
    `GET /x%0d%0a${encodeURIComponent(FORGED)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    `GET /x%1b%5b31m HTTP/1.1\r\nHost: a\r\n\r\n`,
    `GET /broken HTTP/1.1\r\nHost: a\r\n\r\n`,
    `GET /x HTTP/1.1\r\nHost: a\r\nUser-Agent: \x1b[2J${FORGED}\r\nX-Forwarded-For: ${FORGED}\r\n\r\n`,
    `GET /\n${FORGED}\n HTTP/1.1\r\nHost: a\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\n${FORGED}\n\r\n\r\n`,
    `${FORGED}\n${FORGED}\r\n\r\n`,
    `\x1b]0;title\x07\r\n\r\n`,
    `GET /\u0085\u009b31m HTTP/1.1\r\nHost: a\r\n\r\n`,
    `GET /\xe2\x80\xa8${FORGED} HTTP/1.1\r\nHost: a\r\n\r\n`,
  ];
  for (const bytes of requests) await sendRaw(outrider.port, bytes, { responses: 1, timeoutMs: 3000 });
  outrider.editRoutes(`targets: {prod: "http://x\\n${FORGED.replaceAll('"', '\\"')}\\u001b[31m"}\ndefault: prod\n`);
  await outrider.waitForLog((line) => JSON.stringify(line).includes('routes.yaml'));
  await waitFor(() => outrider.logs.filter(({ reason }) => reason !== undefined).length >= 6, { what: 'all lines' });
  const lines = outrider.logs;
  expect(lines.filter(({ msg }) => msg === 'forged-line')).toEqual([]);
  // A line that is no JSON has nothing but its text.
  expect(lines.filter((line) => Object.keys(line).length === 1)).toEqual([]);
  expect(outrider.stderr).toBe('');
  const text = lines.map((line) => Object.values(line).map(String).join('\n')).join('\n');
  expect(text).toContain('forged-line');
  expect(text.split('\n').filter((part) => /[\p{Cc}\u2028\u2029]/u.test(part))).toEqual([]);
});
