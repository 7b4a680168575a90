import { readFileSync } from 'node:fs';
import { parseWrk, writePostScript } from '../../bench/load.ts';
import { temporaryFolder } from '../helpers/cleanup.ts';

const REPORT = `Running 2s test @ http://127.0.0.1:8081/
  1 threads and 50 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   707.22us  234.56us   9.31ms   93.04%
    Req/Sec    70.01k     3.10k   74.55k    80.95%
  Latency Distribution
     50%  689.00us
     75%  755.00us
     90%    1.20ms
     99%    1.05s 
  146243 requests in 2.10s, 39.05MB read
Requests/sec:  69640.72
Transfer/sec:     18.59MB
`;

describe('parseWrk', () => {
  test('reads rates, and times in milliseconds whatever their unit', () => {
    expect(parseWrk(REPORT)).toEqual({
      requests: 146243,
      requestsPerSecond: 69640.72,
      p50Ms: expect.closeTo(0.689, 6),
      p99Ms: 1050,
      refused: 0,
      socketErrors: 0,
    });
  });

  test('counts other answers than 2xx and 3xx, and all kinds of socket errors', () => {
    const bad = '  Socket errors: connect 1, read 20, write 300, timeout 4000\n  Non-2xx or 3xx responses: 12\n';
    expect(parseWrk(REPORT + bad)).toMatchObject({ refused: 12, socketErrors: 4321 });
  });

  test('says which number is missing, with the report', () => {
    expect(() => parseWrk(REPORT.replace('Requests/sec', 'Requests'))).toThrow(/no Requests.*:[\s\S]*Running 2s test/);
    expect(() => parseWrk(REPORT.replace('1.05s', '1.05h'))).toThrow('"1.05h" has no unit');
  });
});

test('the script for wrk posts a body of the size asked for', () => {
  const script = readFileSync(writePostScript(temporaryFolder(), 1024), 'utf8');
  expect(script).toContain('wrk.method = "POST"');
  expect(script).toContain('string.rep("x", 1024)');
});
