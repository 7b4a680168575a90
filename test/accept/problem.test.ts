import { httpDate, problem, rawAnswer } from '../../src/accept/answer.ts';

test.each([
  ['ASCII', 'The target could not be reached.'],
  ['any letters', 'Der Wert „größe“ – ein Rätsel'],
])('a problem of %s announces the bytes that it has', (_, detail) => {
  const { headers, body } = problem(502, detail, { record: 'an id' });
  const bytes = Buffer.from(body);
  expect(headers[headers.indexOf('content-length') + 1]).toBe(String(bytes.length));
  expect(JSON.parse(bytes.toString('utf8'))).toMatchObject({ status: 502, detail, record: 'an id' });
  // A text goes out as latin1.
  expect(Buffer.from(body.toString(), typeof body === 'string' ? 'latin1' : 'utf8')).toEqual(bytes);
  expect(rawAnswer(problem(502, detail, { record: 'an id' })).subarray(-bytes.length)).toEqual(bytes);
});

test('the date of an answer is that of its second, also when the clock goes back', () => {
  const at = Date.UTC(2026, 10, 28, 3, 11, 59);
  const seconds = [at, at + 999, at + 1000, at - 3_600_000].map((now) => httpDate(now));
  const expected = ['03:11:59', '03:11:59', '03:12:00', '02:11:59'];
  expect(seconds).toEqual(expected.map((time) => `Sat, 28 Nov 2026 ${time} GMT`));
});
