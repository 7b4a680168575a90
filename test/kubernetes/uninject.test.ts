import { DEPLOYMENT, injected, run } from './manifests.ts';

const everything = [
  ...['--env-mode', 'http-proxy', '--intercept', 'billing.corp', '--spool', 'pvc:acme', '--scrape', 'true'],
  ...['--secret', 'tokens', '--image-pull-secret', 'registry', '--inbound-port', '8081', '--app-port', '8080'],
];

test.each([
  ['the defaults', []],
  ['a plain container', ['--native', 'false']],
  ['every setting', everything],
])('uninject gives back what inject got, with %s', async (_what, flags) => {
  const { code, text } = await run('uninject', await injected(DEPLOYMENT, ...flags));
  expect(code).toBe(0);
  expect(`${text}\n`).toBe(DEPLOYMENT);
});

test('what was not injected is left as it is', async () => {
  const { text, errors } = await run('uninject', DEPLOYMENT);
  expect(`${text}\n`).toBe(DEPLOYMENT);
  expect(errors).toEqual(['Deployment/acme: unchanged']);
});

test('a label that still asks for a sidecar is told', async () => {
  const labelled = DEPLOYMENT.replace(
    '      labels: {app: acme}\n    spec',
    '      labels: {app: acme, outrider.dev/inject: "true"}\n    spec',
  );
  const { errors } = await run('uninject', await injected(labelled));
  expect(errors[1]).toMatch(/still asks the injector for a sidecar/);
});

test('a sidecar of another origin is refused', async () => {
  const { code, errors } = await run('uninject', DEPLOYMENT.replace('name: helper', 'name: outrider'));
  expect([code, errors]).toEqual([1, [expect.stringMatching(/take it out where it came from/)]]);
});
