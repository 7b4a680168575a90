import { headFromWords } from '../../../src/runtime/cli/request-head.ts';

const plain = { method: 'GET', fields: [], listener: 'ambassador' };

describe('headFromWords', () => {
  test('a path is for the Host field, localhost where there is none', () => {
    expect(headFromWords({ ...plain, url: '/api/x?y=1' })).toMatchObject({
      uri: '/api/x?y=1',
      authority: 'localhost',
      rawHeaders: ['Host', 'localhost'],
      scheme: 'http',
    });
    const head = headFromWords({ ...plain, url: '/', fields: ['X-One: 1', 'host: api.example.com:81'] });
    expect(head).toMatchObject({
      authority: 'api.example.com:81',
      rawHeaders: ['X-One', '1', 'host', 'api.example.com:81'],
    });
  });

  test.each([
    ['http://api.example.com:8080/v1?q', 'api.example.com:8080', '/v1?q', 'http'],
    ['HTTPS://api.example.com', 'api.example.com', '/', 'https'],
    ['http://api?x', 'api', '/?x', 'http'],
    ['http://api/a#part', 'api', '/a', 'http'],
  ])('%s is for its own authority, whatever the Host field says', (url, authority, uri, scheme) => {
    expect(headFromWords({ ...plain, url, fields: ['Host: other'] })).toMatchObject({ authority, uri, scheme });
  });

  test('field values lose their outer white space, and are the bytes of their UTF-8', () => {
    const fields = ['environment:  qa \t', 'x-empty;', 'x-none:', 'x-time: 10:30', 'x-city: Zürich'];
    expect(headFromWords({ ...plain, url: '/', fields: ['Host: a', ...fields] }).rawHeaders.slice(2)).toEqual([
      'environment',
      'qa',
      'x-empty',
      '',
      'x-none',
      '',
      'x-time',
      '10:30',
      'x-city',
      'Z\u00c3\u00bcrich',
    ]);
  });

  test.each([
    [{ url: 'api/x' }, 'neither a path'],
    [{ url: 'ftp://a/' }, 'neither a path'],
    [{ url: '/a b' }, 'percent-encode'],
    [{ url: '/zürich' }, 'percent-encode'],
    [{ url: '/', method: 'GE T' }, 'is no method'],
    [{ url: '/', fields: ['environment'] }, "give 'name: value'"],
    [{ url: '/', fields: [': qa'] }, "give 'name: value'"],
    [{ url: '/', fields: ['a b: qa'] }, "give 'name: value'"],
    [{ url: '/', fields: ['a: b\nc: d'] }, 'control characters'],
  ])('refuses %j: no such request exists', (words, message) => {
    expect(() => headFromWords({ ...plain, ...words })).toThrow(message);
  });
});
