import { HAS_CORPUS, requestCorpus } from './corpus.ts';
import { readAnswer } from './strict-answer.ts';
import { readRequests } from './strict-request.ts';
import { allVariants, sampleOf } from './variants.ts';

const read = (text: string) => readRequests(Buffer.from(text, 'latin1'));
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

describe('a request, to the letter', () => {
  test('several in a row are told apart by their framing', () => {
    const { requests, rest } = read(
      `POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc${GET}POST /2 HTTP/1.1\r\nHost: a\r\n` +
        'Transfer-Encoding: chunked\r\n\r\n2;x="y z"\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n',
    );
    expect(requests.map(({ target, body }) => [target, String(body)])).toEqual([
      ['/1', 'abc'],
      ['/', ''],
      ['/2', 'de'],
    ]);
    expect(rest).toBe('nothing');
  });

  test.each([
    ['GET / HTTP/1.1\r\n\r\n', 'no Host'],
    ['GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n', 'more than one Host'],
    ['GET /a b HTTP/1.1\r\nHost: a\r\n\r\n', 'no request line'],
    ['GET / HTTP/1.1\nHost: a\r\n\r\n', 'no request line'],
    ['GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n', 'no field name'],
    ['GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 'Content-Length beside'],
    ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n', 'no chunk size'],
  ])('%j is broken', (text, why) => {
    const { requests, rest, why: found } = read(text);
    expect([requests.length, rest]).toEqual([0, 'broken']);
    expect(found).toContain(why);
  });

  test('what follows the last request of a connection is nobody’s', () => {
    expect(read(`GET / HTTP/1.0\r\n\r\n${GET}`)).toMatchObject({ rest: 'ignored', heads: 1 });
    expect(read(`${GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')}x`)).toMatchObject({ rest: 'ignored' });
  });

  const withCorpus = HAS_CORPUS ? test : test.skip;
  withCorpus(
    'every message of the corpus that must be rejected has a fault, or something behind its last request',
    () => {
      const rejected = requestCorpus().filter(({ enforce }) => enforce === 'must-reject');
      const good = rejected.filter(({ bytes }) => readRequests(bytes).rest === 'nothing');
      expect(good.map(({ id }) => id)).toEqual([]);
    },
  );
});

describe('an answer, to the letter', () => {
  const kindOf = (text: string, closed = true): string => readAnswer(Buffer.from(text, 'latin1'), closed).kind;

  test.each([
    ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', 'whole'],
    ['HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n', 'whole'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok', 'badBody'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n', 'badBody'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok', 'badHead'],
    ['HTTP/1.1 101 Switching Protocols\r\n\r\n', 'badHead'],
    ['HTTP/1.1 200 OK\n\nok', 'badHead'],
  ])('%j is %s', (text, kind) => {
    expect(kindOf(text)).toBe(kind);
  });

  test('without a length it ends with its connection', () => {
    expect(kindOf('HTTP/1.1 200 OK\r\n\r\nok')).toBe('whole');
    expect(kindOf('HTTP/1.1 200 OK\r\n\r\nok', false)).toBe('badBody');
  });
});

describe('variants', () => {
  test('are thousands, each another', () => {
    const all = allVariants();
    expect(all.length).toBeGreaterThan(6000);
    expect(new Set(all.map(({ bytes }) => bytes.toString('latin1'))).size).toBeGreaterThan(6000);
  });

  test('a sample is the same for the same seed', () => {
    const ids = (seed: number): string[] => sampleOf(allVariants(), 10, seed).map(({ id }) => id);
    expect(ids(1)).toEqual(ids(1));
    expect(ids(1)).not.toEqual(ids(2));
  });
});
