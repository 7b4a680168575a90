import { loadConfig } from '../../../src/runtime/config/load.ts';
import { load, loadProcess, mistakesOf, plainRoutes } from './config-files.ts';

const alone = (env: Record<string, string>) => loadConfig({ env });
const mistakes = (env: Record<string, string>) => mistakesOf(() => alone({ BACKEND_URL: 'http://x:1', ...env }));

test('BACKEND_URL alone is a configuration', () => {
  const { settings } = alone({ BACKEND_URL: 'http://api:3000/v1' });
  expect(settings.source).toBe('environment');
  expect(settings.routes).toMatchObject({
    targets: [{ name: 'backend', urls: [{ url: 'http://api:3000/v1', weight: 1 }] }],
    rules: [],
    default: 'backend',
    defaultRule: { name: 'default', target: 'backend' },
  });
});

test('DOWNSTREAM_ENDPOINT does the same, and BACKEND_URL wins', () => {
  expect(alone({ DOWNSTREAM_ENDPOINT: 'http://a' }).settings.routes.targets[0]?.urls[0]?.url).toBe('http://a');
  const both = alone({ DOWNSTREAM_ENDPOINT: 'http://a', BACKEND_URL: 'http://b' });
  expect(both.settings.routes.targets[0]?.urls[0]?.url).toBe('http://b');
});

test('nothing at all says what is needed', () => {
  expect(mistakesOf(() => alone({}))).toEqual([
    'environment: no routes: routes.yaml with `targets` and `default` is needed, or the variable BACKEND_URL',
  ]);
  expect(mistakesOf(() => alone({ BACKEND_URL: ' ' }))).toHaveLength(1);
});

test('the brokers are a list, KAFKA_BROKERS before KAFKA_BROKER', () => {
  const kafka = (env: Record<string, string>) => alone({ BACKEND_URL: 'http://x', ...env }).settings.process.kafka;
  expect(kafka({ KAFKA_BROKERS: 'a:1, b:2,', KAFKA_BROKER: 'c:3', KAFKA_TOPIC: 't' })).toMatchObject({
    brokers: ['a:1', 'b:2'],
    topic: 't',
  });
  expect(kafka({ KAFKA_BROKER: 'c:3' })).toMatchObject({ brokers: ['c:3'], topic: 'failed-requests' });
});

test('a file that says something wins over each variable', () => {
  const env = {
    BACKEND_URL: 'http://e',
    KAFKA_BROKERS: 'e:1',
    KAFKA_TOPIC: 'e',
    PORT: '1',
    SIDECAR_LOGGING_LEVEL: 'DEBUG',
  };
  const text =
    'kafka: {brokers: ["f:1"], topic: f}\nlisteners: [{name: f, address: "localhost:2"}]\nlog: {level: error}';
  const { process, routes } = loadProcess(text, env).settings;
  expect(process.kafka).toMatchObject({ brokers: ['f:1'], topic: 'f' });
  expect(process.listeners[0]?.address).toBe('localhost:2');
  expect(process.log.level).toBe('error');
  expect(routes.targets.map(({ name }) => name)).toEqual(['prod', 'qa']);
});

test('a variable fills in one key beside those of the file', () => {
  const { kafka } = loadProcess('kafka: {topic: f}', { KAFKA_BROKERS: 'e:1', KAFKA_TOPIC: 'e' }).settings.process;
  expect(kafka).toMatchObject({ brokers: ['e:1'], topic: 'f' });
});

test('an explicit empty list of brokers is something that the file says', () => {
  expect(loadProcess('kafka: {brokers: []}', { KAFKA_BROKERS: 'e:1' }).settings.process.kafka.brokers).toEqual([]);
});

test('PORT listens on every address, SIDECAR_PORT on this machine', () => {
  const { settings, warnings } = alone({ BACKEND_URL: 'http://x', PORT: '8080' });
  expect(settings.process.listeners[0]).toMatchObject({ address: '*:8080', keepAlive: 60_000 });
  expect(warnings).toEqual(['PORT: listening on every address, port 8080; `listeners` can narrow it']);
  expect(alone({ BACKEND_URL: 'http://x', PORT: '1', SIDECAR_PORT: '2' }).settings.process.listeners[0]?.address).toBe(
    'localhost:2',
  );
});

test.each(['PORT', 'SIDECAR_PORT'])('a Kubernetes service link in %s is ignored with one line', (variable) => {
  const { settings, warnings } = alone({ BACKEND_URL: 'http://x', [variable]: 'tcp://10.0.0.1:80' });
  expect(settings.process.listeners[0]?.address).toBe('localhost:5000');
  expect(warnings).toEqual([`${variable}=tcp://10.0.0.1:80 is a link that Kubernetes made for a Service: ignored`]);
});

test.each([
  [{ PORT: 'http' }, 'environment: PORT: found "http"; expected a port from 0 to 65535'],
  [{ SIDECAR_PORT: '70000' }, 'environment: SIDECAR_PORT: found "70000"; expected a port from 0 to 65535'],
  [
    { KAFKA_BROKERS: 'kafka://k' },
    'environment: KAFKA_BROKERS: found "kafka://k"; expected host:port (Kafka\'s usual port is 9092), no scheme',
  ],
  [
    { SIDECAR_LOGGING_LEVEL: 'VERBOSE' },
    'environment: SIDECAR_LOGGING_LEVEL: found "VERBOSE"; allowed: CRITICAL, ERROR, WARNING, WARN, INFO, DEBUG',
  ],
])('%p is a mistake that names the variable', (env, line) => {
  expect(mistakes(env)[0]).toBe(line);
});

test('a mistake in BACKEND_URL is told once', () => {
  expect(mistakesOf(() => alone({ BACKEND_URL: 'api:3000' }))).toEqual([
    'environment: BACKEND_URL: found "api:3000"; expected http://host:port or https://host:port',
  ]);
});

test('a broker is told once too, beside what is wrong in the file', () => {
  const lines = mistakesOf(() => load({ 'routes.yaml': `${plainRoutes}bogus: 1` }, { KAFKA_BROKERS: 'k' }));
  expect(lines).toHaveLength(2);
  expect(lines[1]).toMatch(/^environment: KAFKA_BROKERS: /);
});

test.each(['CRITICAL', 'ERROR', 'WARNING', 'INFO', 'DEBUG', 'info'])(
  'SIDECAR_LOGGING_LEVEL=%s is understood',
  (level) => {
    expect(['fatal', 'error', 'warn', 'info', 'debug']).toContain(
      alone({ BACKEND_URL: 'http://x', SIDECAR_LOGGING_LEVEL: level }).settings.process.log.level,
    );
  },
);
