import { createServer } from 'node:http';
import { download, startBulkTarget, upload } from '../../bench/node-bulk.ts';
import { portOf } from '../helpers/ports.ts';

const BYTES = 3 * 2 ** 20 + 17;

test('a body goes up whole before it is answered, and comes down whole', async () => {
  const target = await startBulkTarget(BYTES);
  try {
    expect(await upload(`${target.url}/up`, { a: 'b' }, BYTES)).toBeGreaterThan(0);
    expect(await download(`${target.url}/down`, {}, BYTES)).toBeGreaterThan(0);
    await expect(download(target.url, {}, BYTES + 1)).rejects.toThrow(`${BYTES} bytes came of ${BYTES + 1}`);
  } finally {
    await target.close();
  }
  await expect(download(target.url, {}, 1)).rejects.toThrow(/ECONNREFUSED/);
});

test('another answer than 200 is an error', async () => {
  const server = createServer((_request, response) => response.writeHead(502).end()).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  await expect(download(`http://127.0.0.1:${portOf(server)}`, {}, 0)).rejects.toThrow('the answer was 502');
  server.close();
});
