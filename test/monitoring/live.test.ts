/** Rules and dashboard in a real Prometheus that scrapes a real Outrider. */
import { ROWS } from '../../scripts/dashboard.ts';
import { startTarget } from '../helpers/node-target.ts';
import { startOutrider } from '../helpers/outrider.ts';
import { closedPort } from '../helpers/ports.ts';
import { type Prometheus, startPrometheus } from '../helpers/prometheus.ts';
import { describeWithPromtool } from '../helpers/promtool.ts';
import { waitFor } from '../helpers/wait.ts';
import { RULES_FILE, readAlertRules } from './alert-rules.ts';

/** It has series only where there is a target with TLS. */
const WITHOUT_SERIES = ['Certificates end in'];
const LABELS = { namespace: 'shop', workload: 'legacy', pod: 'legacy-0', container: 'outrider' };

const queries = ROWS.flatMap(({ panels }) => panels)
  .filter(({ title }) => !WITHOUT_SERIES.includes(title))
  .flatMap(({ title, queries }) => queries.map(({ expr }) => [title, expr] as const));

const asGrafana = (expr: string): string =>
  expr
    .replaceAll(/\$(namespace|workload|pod)\b/g, '.*')
    .replaceAll('$__rate_interval', '1m')
    .replaceAll('$__range', '1h');

describeWithPromtool('in a Prometheus that scrapes Outrider', () => {
  let prometheus: Prometheus;
  beforeAll(async () => {
    const up = await startTarget(undefined, { shared: true });
    const down = { urls: [{ url: `http://127.0.0.1:${await closedPort()}` }], retry: { attempts: 2 } };
    const rule = { name: 'down', match: { headers: { environment: 'down' } }, target: 'down' };
    const outrider = await startOutrider({
      shared: true,
      outrider: { kafka: { brokers: [`127.0.0.1:${await closedPort()}`] } },
      routes: { targets: { up: up.url, down }, rules: [rule], default: 'up' },
    });
    const targets = [new URL(outrider.metricsUrl).host];
    const job = { job_name: 'outrider', static_configs: [{ targets, labels: LABELS }] };
    prometheus = await startPrometheus({ jobs: [job], rules: RULES_FILE });
    await fetch(outrider.url, { headers: { environment: 'down' }, method: 'PUT', body: 'x' });
    await fetch(outrider.url);
    await waitFor(async () => (await prometheus.query('outrider_requests_total offset 2s')).length === 2, {
      what: 'scrapes that make a rate',
      timeoutMs: 30_000,
    });
  }, 60_000);

  test.each(queries)('%s has something to show: %s', async (_, expr) => {
    expect(await prometheus.query(asGrafana(expr))).not.toEqual([]);
  });

  test('every alert rule is evaluated without an error, and the mirror that is down is about to alert', async () => {
    const evaluated = async () => {
      const { data } = (await prometheus.get('/api/v1/rules')) as {
        data: { groups: { rules: { name: string; health: string; state: string; lastError?: string }[] }[] };
      };
      return data.groups.flatMap(({ rules }) => rules);
    };
    const states = await waitFor(
      async () => {
        const rules = await evaluated();
        return rules.every(({ health }) => health !== 'unknown') && rules;
      },
      { what: 'an evaluation of each rule', timeoutMs: 30_000 },
    );
    expect(states.filter(({ health }) => health !== 'ok')).toEqual([]);
    expect(states.map(({ name }) => name)).toEqual(readAlertRules().map(({ alert }) => alert));
    expect(states.find(({ name }) => name === 'OutriderMirrorDown')?.state).toBe('pending');
    expect(states.find(({ name }) => name === 'OutriderCapturesFail')?.state).toBe('inactive');
  });
});
