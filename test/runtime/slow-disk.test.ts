/** A disk that hangs, as the callers of failed exchanges meet it. */
import { startPath } from '../helpers/path.ts';
import { closedPort } from '../helpers/ports.ts';
import { sendRaw } from '../helpers/raw-client.ts';

const POST = `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n${'x'.repeat(5000)}`;

test('beyond what may wait for it, a failure is answered at once as not kept, and counted so', async () => {
  const url = `http://127.0.0.1:${await closedPort()}`;
  const path = await startPath({ process: { capture: { wait: '50ms' } }, routes: { targets: { prod: url } } });
  path.keeper.answer = 'silent';
  path.client.captureBytes = 20_000;
  const outcomes: (string | undefined)[] = [];
  for (let number = 0; number < 5; number++) {
    const { responses } = await sendRaw(path.port, POST, { responses: 1 });
    expect(responses[0]?.status).toBe(502);
    expect(responses[0]?.header('outrider-record')).toBeUndefined();
    outcomes.push(responses[0]?.header('outrider-capture'));
  }
  expect(outcomes).toEqual(['pending', 'pending', 'failed', 'failed', 'failed']);
  expect(path.captures).toHaveLength(2);
  expect(path.metric('outrider_captures_total', { result: 'failed' })).toBe(3);
  const told = path.lines.filter(({ fields }) => fields.outcome === 'failed').map(({ fields }) => fields.why);
  // One line for all of them: a disk that hangs fails every one.
  expect(told).toEqual([expect.stringMatching(/^the disk is too slow: \d+ bytes/)]);
});
