import { messageFor } from '../../src/record/mirror-message.ts';
import { keptRecord } from './fake-relay-source.ts';

const JSON_TEXT = JSON.stringify({
  headers: { 'x-tenant': 'blue', authorization: '[redacted]', constructor: 'c' },
  body: 'ü',
});
const kept = keptRecord(7);

test('the value is the record as it was given, in UTF-8', () => {
  expect(messageFor(JSON_TEXT, kept, { key: 'id' }).value).toEqual(Buffer.from(JSON_TEXT, 'utf8'));
});

test('the headers name the record, the schema, the reason and the content type', () => {
  expect(messageFor(JSON_TEXT, kept, { key: 'id' }).headers).toEqual({
    'outrider-record-id': kept.id,
    'outrider-schema': '1',
    'outrider-reason': 'connect',
    'content-type': 'application/json',
  });
});

test.each([
  ['id', kept.id],
  ['target', 'prod'],
  ['header:X-Tenant', 'blue'],
  ['header: x-tenant', 'blue'],
])('the key by "%s" is %s', (key, expected) => {
  expect(messageFor(JSON_TEXT, kept, { key }).key).toBe(expected);
});

test('the key of a redacted header is what is published of it, not the original', () => {
  expect(messageFor(JSON_TEXT, kept, { key: 'header:Authorization' }).key).toBe('[redacted]');
});

test.each(['header:x-absent', 'header:toString'])(
  'the key by "%s" is the id where the request has no such header',
  (key) => {
    expect(messageFor(JSON_TEXT, kept, { key }).key).toBe(kept.id);
  },
);
