import { compileHost, holdsHost, hostOf } from '../../src/dispatch/host.ts';

function holds(pattern: string, authority: string): boolean {
  return holdsHost(compileHost(pattern), hostOf(authority));
}

test.each([
  ['api.example.com', 'api.example.com'],
  ['api.example.com', 'API.Example.COM:8080'],
  ['API.example.com', 'api.example.com'],
  ['api.example.com:443', 'api.example.com:80'],
  ['api.example.com', 'api.example.com.:80'],
  ['*.example.com', 'a.example.com'],
  ['*.Example.com', 'a.b.EXAMPLE.com:1'],
  ['*', 'x'],
  ['[::1]', '[::1]:80'],
  ['::1', '[::1]'],
  ['[2001:DB8::1]:80', '[2001:db8::1]'],
  ['10.0.0.1', '10.0.0.1:80'],
])('%s holds for %s', (pattern, authority) => {
  expect(holds(pattern, authority)).toBe(true);
});

test.each([
  ['api.example.com', 'example.com'],
  ['example.com', 'api.example.com'],
  ['*.example.com', 'example.com'],
  ['*.example.com', '.example.com'],
  ['*.example.com', 'badexample.com'],
  ['*.example.com', 'a.example.com.evil.test'],
  ['*', ''],
  ['api.example.com', ''],
  ['::1', '::1'],
])('%s does not hold for "%s"', (pattern, authority) => {
  expect(holds(pattern, authority)).toBe(false);
});
