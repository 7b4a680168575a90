import { nextMaxForwards } from '../../src/forward/max-forwards.ts';
import { startTarget } from '../helpers/node-target.ts';
import { startPath } from '../helpers/path.ts';
import { sendRaw } from '../helpers/raw-client.ts';

const request = (method: string, fields: string): string =>
  `${method} /a?b HTTP/1.1\r\nHost: a.test\r\nVia: 1.0 before\r\nCookie: secret=1\r\nX-Any: 2\r\n${fields}\r\n`;

async function send(method: string, fields: string) {
  const target = await startTarget();
  const path = await startPath({ routes: { targets: { prod: target.url } } });
  const { responses } = await sendRaw(path.port, request(method, fields), { responses: 1, methods: [method] });
  return { response: responses[0], received: target.requests };
}

describe('H07 Max-Forwards', () => {
  test.each(['0', '00'])('%s ends OPTIONS here', async (value) => {
    const { response, received } = await send('OPTIONS', `Max-Forwards: ${value}\r\n`);
    expect(response?.status).toBe(204);
    expect(received).toEqual([]);
  });

  test('0 ends TRACE here: what came is sent back, without what may be secret', async () => {
    const { response, received } = await send('TRACE', 'Max-Forwards: 0\r\n');
    expect(response?.status).toBe(200);
    expect(response?.header('content-type')).toBe('message/http');
    expect(String(response?.body)).toBe(
      'TRACE /a?b HTTP/1.1\r\nHost: a.test\r\nVia: 1.0 before\r\nMax-Forwards: 0\r\n\r\n',
    );
    expect(received).toEqual([]);
  });

  test.each<readonly [string, string, string | undefined]>([
    ['OPTIONS', 'Max-Forwards: 5\r\n', '4'],
    ['TRACE', 'max-forwards: 1\r\n', '0'],
    ['OPTIONS', '', undefined],
    ['TRACE', '', undefined],
    ['GET', 'Max-Forwards: 0\r\n', '0'],
    ['POST', 'Content-Length: 0\r\nMax-Forwards: 3\r\n', '3'],
    ['OPTIONS', 'Max-Forwards: many\r\n', 'many'],
    ['OPTIONS', 'Connection: max-forwards\r\nMax-Forwards: 5\r\n', undefined],
  ])('of %s with "%s" the target gets %s', async (method, fields, expected) => {
    const { received } = await send(method, fields);
    expect(received.map(({ headers }) => headers['max-forwards'])).toEqual([expected]);
  });

  test('0 ends an upgrade here, too', async () => {
    const { response, received } = await send('OPTIONS', 'Max-Forwards: 0\r\nConnection: Upgrade\r\nUpgrade: echo\r\n');
    expect(response?.status).toBe(204);
    expect(received).toEqual([]);
  });

  test('a number beyond all measure is the largest there is, less one', () => {
    expect(nextMaxForwards('TRACE', '9'.repeat(30))).toBe(String(Number.MAX_SAFE_INTEGER - 1));
  });
});
