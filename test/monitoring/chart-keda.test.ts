/** The ScaledObject of the chart, by a real Helm. The worker is not in this version: a copy of the chart lets it pass. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GATEWAY, ROUTES } from '../chart/values.ts';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { at, chartFolder, describeWithHelm, only, refusal, render } from '../helpers/helm.ts';

const KAFKA = { brokers: ['kafka-0:9092', 'kafka-1:9092'] };

const worker = (keda: object, kafka: object = KAFKA) => ({
  mode: 'worker',
  routes: { content: ROUTES },
  kafka,
  keda: { enabled: true, ...keda },
});

/** The chart as it will be once there is a worker. */
function chartWithWorker(): string {
  const chart = join(temporaryFolder(), 'chart');
  cpSync(chartFolder, chart, { recursive: true });
  const file = join(chart, 'templates/_validate.tpl');
  const text = readFileSync(file, 'utf8');
  const open = text.replace('(list "collector" "worker")', '(list "collector")');
  expect(open).not.toBe(text);
  writeFileSync(file, open);
  return chart;
}

describeWithHelm('the ScaledObject of the chart', () => {
  test('is refused where there is no worker', async () => {
    expect(await refusal({ ...GATEWAY, keda: { enabled: true } })).toContain('keda.enabled is for mode: worker');
    expect(await refusal(worker({}))).toContain('mode: worker is not in this version');
  });

  test('scales the worker by the lag of its group, from where the worker begins', async () => {
    const scaled = only(
      await render(worker({ maxReplicas: 4, lagThreshold: 2_000_000 }), { chart: chartWithWorker() }),
      'ScaledObject',
    );
    expect(at(scaled, 'spec', 'scaleTargetRef')).toEqual({ name: 'acme-outrider' });
    expect([at(scaled, 'spec', 'minReplicaCount'), at(scaled, 'spec', 'maxReplicaCount')]).toEqual([0, 4]);
    expect(at(scaled, 'spec', 'triggers')).toEqual([
      {
        type: 'kafka',
        metadata: {
          bootstrapServers: 'kafka-0:9092,kafka-1:9092',
          consumerGroup: 'outrider-worker',
          lagThreshold: '2000000',
          offsetResetPolicy: 'earliest',
        },
      },
    ]);
  });

  test('asks Kafka as the worker does, with credentials of its own', async () => {
    const sasl = { mechanism: 'scram-sha-512', username: 'u' };
    const kafka = { ...KAFKA, existingSecret: 's', tls: { enabled: true }, sasl };
    const chart = chartWithWorker();
    const values = worker({ authenticationRef: 'kafka' }, kafka);
    expect(at(only(await render(values, { chart }), 'ScaledObject'), 'spec', 'triggers', 0)).toMatchObject({
      metadata: { tls: 'enable', sasl: 'scram_sha512' },
      authenticationRef: { name: 'kafka' },
    });
    expect(await refusal(worker({}, kafka), { chart })).toContain('keda.authenticationRef is empty');
  });

  test.each([
    ['no brokers', worker({}, {}), 'keda.enabled needs kafka.brokers'],
    ['more at least than at most', worker({ minReplicas: 11 }), 'keda.minReplicas is 11, and keda.maxReplicas 10'],
  ])('with %s is refused', async (_, values, sentence) => {
    expect(await refusal(values, { chart: chartWithWorker() })).toContain(sentence);
  });
});
