import { problem, rawAnswer } from '../../src/accept/answer.ts';

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
