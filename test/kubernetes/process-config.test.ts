import { processConfig } from '../../src/runtime/kubernetes/process-config.ts';
import { readSettings } from '../../src/runtime/kubernetes/settings.ts';
import { load, plainRoutes } from '../runtime/config/config-files.ts';

function processOf(given: Record<string, string>) {
  const { settings, mistakes } = readSettings(new Map(Object.entries({ config: 'acme', ...given })));
  expect(mistakes).toEqual([]);
  return load({ 'outrider.yaml': processConfig(settings), 'routes.yaml': plainRoutes }).settings.process;
}

test('by default one listener on loopback, the spool on its volume, and a shutdown for a native sidecar', () => {
  expect(processOf({})).toMatchObject({
    listeners: [{ name: 'ambassador', address: 'localhost:5000' }],
    metrics: { address: '*:5090' },
    admin: { address: 'localhost:5091' },
    shutdown: { mode: 'native' },
    spool: { enabled: true, path: '/var/lib/outrider/spool', size: 268435456 },
  });
});

test('every setting that the process has to know is in it', () => {
  const given = { 'inbound-port': '8081', 'app-port': '8080', intercept: 'a.corp', native: 'false', spool: 'none' };
  expect(processOf({ ...given, port: '5001', 'metrics-port': '5092', 'log-level': 'debug' })).toMatchObject({
    listeners: [
      { name: 'ambassador', address: 'localhost:5001' },
      { name: 'inbound', address: '*:8081', target: 'inbound' },
      { name: 'intercept', address: 'localhost:80' },
    ],
    intercept: { hosts: ['a.corp'] },
    metrics: { address: '*:5092' },
    shutdown: { mode: 'drain' },
    spool: { enabled: false },
    log: { level: 'debug' },
  });
});
