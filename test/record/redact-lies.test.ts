/** Every planted body under every type that it might claim, whole and cut off behind each of its bytes. */
import { createRedactor } from '../../src/record/redact.ts';
import { PLANTS, type Plant } from '../e2e/redact-plants.ts';
import { DEFAULT_REDACTION } from './redact-defaults.ts';

const TYPES = [
  ...['', 'text/plain', 'application/json', 'application/x-ndjson', 'application/x-www-form-urlencoded'],
  ...['multipart/form-data; boundary=B', 'multipart/mixed; boundary=B', 'text/xml', 'application/octet-stream'],
  ...['image/png', 'text/csv', 'application/yaml', 'application/soap+xml', 'text/event-stream', 'text/html'],
];
/** What shows of each that it is there, as soon as that much of it is. */
const SECRETS: Readonly<Record<Plant['form'], readonly [secret: string, start: number]>> = {
  named: ['s3cr3tZ9qX7vbnm1234567890abcdefghijkl', 6],
  jwt: [`eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c2VyIn0.${'c2lnbmF0dXJl'.repeat(3)}`, 14],
  card: ['4111 1111 1111 1111', 7],
  key: [`-----BEGIN PRIVATE KEY-----\n${'MIIEowIBAAKC'.repeat(5)}\n-----END PRIVATE KEY-----`, 34],
};

const redactor = createRedactor(DEFAULT_REDACTION);

interface Planted {
  readonly place: string;
  readonly bytes: Buffer;
  readonly start: string;
}

const BODIES: readonly Planted[] = PLANTS.flatMap(({ place, form, request }) => {
  const [secret, shown] = SECRETS[form];
  const { body = '' } = request(secret);
  const bytes = Buffer.from(body);
  const start = secret.slice(0, shown);
  // What is compressed is told by another field, UTF-7 by its charset.
  const isThere = bytes.toString('latin1').replaceAll('\0', '').includes(start);
  return isThere && !place.startsWith('UTF-7') && !place.startsWith('a body') ? [{ place, bytes, start }] : [];
});

const shows = (bytes: Buffer, type: string, truncated: boolean, start: string): boolean => {
  const { value } = redactor.body(bytes, type, { truncated });
  return Buffer.from(value)
    .toString('latin1')
    .replace(/[\0\\]/g, '')
    .includes(start);
};

test('the planted bodies are there', () => expect(BODIES.length).toBeGreaterThan(35));

test.each(TYPES)('S09 none is shown as "%s", nor is its start', (type) => {
  const shown = BODIES.flatMap(({ place, bytes, start }) => {
    const at = [...bytes.keys()].find((cut) => shows(bytes.subarray(0, cut + 1), type, true, start));
    return [
      ...(shows(bytes, type, false, start) ? [`${place}, whole`] : []),
      ...(at === undefined ? [] : [`${place}, cut off behind byte ${at}`]),
    ];
  });
  expect(shown).toEqual([]);
});
