import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { startOutrider } from '../helpers/outrider.ts';
import { closedPort } from '../helpers/ports.ts';
import { sendRaw } from '../helpers/raw-client.ts';
import { waitFor } from '../helpers/wait.ts';

const SECRET = 'plain-words-in-no-secret-form';

test('the credential of a caller is nowhere, even where nothing is redacted', async () => {
  const file = join(temporaryFolder(), 'callers');
  writeFileSync(file, `${SECRET}\n`);
  const outrider = await startOutrider({
    outrider: {
      listeners: [{ name: 'ambassador', address: '*:0', auth: { bearer: { file } } }],
      capture: { redact: { headers: [], fields: [], patterns: [] } },
      log: { level: 'trace', access: 'all' },
    },
    routes: {
      // Credentials of our own, beyond loopback: allowed, since callers have to show who they are.
      targets: {
        prod: {
          urls: [{ url: `http://127.0.0.1:${await closedPort()}` }],
          request: { headers: { set: { authorization: 'Bearer of-the-target' } } },
        },
      },
      default: 'prod',
    },
  });
  const authorization = `Authorization: Bearer ${SECRET}\r\n`;
  const ask = async (bytes: string): Promise<number | undefined> =>
    (await sendRaw(outrider.port, bytes, { responses: 1 })).responses[0]?.status;
  expect(await ask(`GET /ok HTTP/1.1\r\nHost: a\r\n${authorization}X-Other: kept\r\n\r\n`)).toBe(502);
  expect(await ask(`GET /none HTTP/1.1\r\nHost: a\r\n\r\n`)).toBe(401);
  // Refused before anybody asks for credentials: what the log shows of it is no credential either.
  expect(await ask(`GET /bad HTTP/1.1\r\nHost: a\r\n${authorization}Bad Name: 1\r\n\r\n`)).toBe(400);
  expect(await ask(`GET /two HTTP/1.1\r\nHost: a\r\nHost: b\r\n${authorization}\r\n`)).toBe(400);
  expect(await ask(`GET /twice HTTP/1.1\r\nHost: a\r\n${authorization}${authorization}\r\n`)).toBe(401);
  await waitFor(() => outrider.logs.filter(({ reason }) => reason !== undefined).length >= 4, {
    what: 'all log lines',
  });

  const [kept] = await outrider.records();
  const record = await outrider.record(kept?.id ?? '');
  const config = await (await fetch(`${outrider.adminUrl}/api/config`)).text();
  const metrics = await (await fetch(`${outrider.metricsUrl}/metrics`)).text();
  expect(JSON.stringify(record)).toContain('X-Other');
  expect(metrics).toContain('outrider_rejected_total{reason="auth"} 2');
  for (const text of [JSON.stringify(record), JSON.stringify(outrider.logs), config, metrics, outrider.stderr]) {
    expect(text).not.toContain(SECRET);
  }

  // A token that is replaced stops to work, without a restart.
  writeFileSync(`${file}.new`, 'another-token\n');
  renameSync(`${file}.new`, file);
  const old = `GET /old HTTP/1.1\r\nHost: a\r\n${authorization}\r\n`;
  await waitFor(async () => (await ask(old)) === 401, { what: 'the old token to be refused' });
  expect(await ask(`GET /new HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer another-token\r\n\r\n`)).toBe(502);
});

test('an edit that gives credentials to a target behind an open listener changes nothing', async () => {
  const url = `http://127.0.0.1:${await closedPort()}`;
  const outrider = await startOutrider({
    outrider: { listeners: [{ name: 'ambassador', address: '*:0' }] },
    routes: { targets: { prod: url }, default: 'prod' },
  });
  outrider.editRoutes({
    targets: { prod: { urls: [{ url }], request: { headers: { set: { 'x-api-key': 'k' } } } } },
    default: 'prod',
  });
  await outrider.waitForLog((line) => JSON.stringify(line).includes('auth: none'));
  expect((await outrider.metrics()).value('config_last_reload_successful')).toBe(0);
  expect((await fetch(outrider.url)).status).toBe(502);
});
