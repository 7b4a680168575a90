import { outrider as cli } from '../helpers/cli.ts';
import { startTarget } from '../helpers/node-target.ts';
import { startOutrider } from '../helpers/outrider.ts';
import { sendRaw } from '../helpers/raw-client.ts';

/** Given differently by each process, or only where a body is. */
const OWN = ['via', 'connection'];

function fields(rawHeaders: readonly string[]): string[] {
  const pairs = rawHeaders.flatMap((name, at) =>
    at % 2 === 0 ? [`${name.toLowerCase()}: ${rawHeaders[at + 1]}`] : [],
  );
  return pairs.filter((pair) => !OWN.some((name) => pair.startsWith(`${name}:`))).sort();
}

test.each([
  ['target', {}],
  ['preserve', {}],
  ['other.example', {}],
  ['target', { Host: 'patched.example' }],
])('what explain says is what the target receives: hostHeader %s, rule sets %j', async (hostHeader, set) => {
  const target = await startTarget();
  const outrider = await startOutrider({
    outrider: { templates: { env: [] } },
    routes: {
      targets: {
        prod: { urls: [{ url: `${target.url}/base` }], hostHeader, request: { headers: { add: { 'x-a': '2' } } } },
      },
      rules: [
        {
          name: 'api',
          match: { paths: ['/api/*'] },
          request: {
            headers: { set: { 'x-copy': '${header:x-a}', ...set }, remove: ['x-gone'] },
            path: { replacePrefix: '/v2' },
          },
          target: 'prod',
        },
      ],
      default: 'prod',
    },
  });
  const words = [
    'Host: app:81',
    'X-A: 1',
    'x-gone: 1',
    'TE: trailers',
    'x-hop: 1',
    'Connection: x-hop',
    'X-Forwarded-For: 10.0.0.1',
  ];
  await sendRaw(outrider.port, `PUT /api/x?y=1 HTTP/1.1\r\n${words.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`, {
    responses: 1,
  });
  const options = [...words, 'Content-Length: 0'].flatMap((field) => ['-H', field]);
  const { stdout } = await cli(['explain', '-c', outrider.configDir, '--json', '-X', 'PUT', ...options, '/api/x?y=1']);
  const explained = JSON.parse(stdout);
  expect(explained.urls).toEqual([target.url + target.last().uri]);
  expect(fields(explained.headers.flat())).toEqual(fields(target.last().rawHeaders));
});
