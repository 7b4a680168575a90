import { CONTENDERS, ROWS, readOptions } from '../../bench/options.ts';

describe('readOptions', () => {
  test('measures everything and writes the report when nothing is asked', () => {
    expect(readOptions([], 'RESULTS.md')).toMatchObject({
      rows: ROWS,
      contenders: CONTENDERS,
      rounds: 5,
      bulkBytes: 2 ** 30,
      out: 'RESULTS.md',
    });
  });

  test.each([['--quick'], ['--only=start'], ['--with=outrider,go']])('only prints with %s', (flag) => {
    expect(readOptions([flag], 'RESULTS.md')?.out).toBe('');
    expect(readOptions([flag, '--out', 'here.md'], 'RESULTS.md')?.out).toBe('here.md');
  });

  test('keeps the order of its own lists, whatever order is asked for', () => {
    const options = readOptions(['--only', 'start, requests', '--with=bare,outrider', '--rounds=7'], '');
    expect(options).toMatchObject({ rows: ['requests', 'start'], contenders: ['outrider', 'bare'], rounds: 7 });
  });

  test('answers null when help is asked for', () => {
    expect(readOptions(['--help'], '')).toBeNull();
  });

  test.each([
    [['--only', 'request'], /--only: no such thing as request; there are requests,/],
    [['--with', 'nginx,caddy'], /--with: no such thing as nginx, caddy/],
    [['--rounds', '0'], /--rounds: 0 is not a whole number above 0/],
    [['--rounds', 'two'], /--rounds: two/],
    [['--fast'], /--fast/],
  ])('refuses %j', (args, message) => {
    expect(() => readOptions(args, '')).toThrow(message);
  });
});
