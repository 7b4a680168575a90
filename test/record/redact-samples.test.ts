/** Values of secret form in hundreds of made-up texts, in each place where a text may stand. */
import { createRedactor } from '../../src/record/redact.ts';
import { DEFAULT_REDACTION } from './redact-defaults.ts';
import { harmlessSamples, type Sample, secretSamples } from './redact-samples.ts';

/** `SEED=7 npm test -- test/record/redact-samples.test.ts` */
const SEED = Number(process.env.SEED ?? 20261128);
const MANY = 60;

const redactor = createRedactor(DEFAULT_REDACTION);
const secrets = secretSamples(SEED, MANY);
const harmless = harmlessSamples(SEED, 100);

type Place = readonly [place: string, show: (text: string) => string];

function body(text: string, contentType: string): string {
  const { value, withheld } = redactor.body(Buffer.from(text), contentType);
  return withheld ? '(withheld)' : Buffer.from(value).toString();
}

const PART = '--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n';
const PART_END = '\r\n--B--\r\n';
const FORM = 'application/x-www-form-urlencoded';
const between = (whole: string, before: string, after: string): string =>
  whole.startsWith(before) && whole.endsWith(after) ? whole.slice(before.length, whole.length - after.length) : whole;
const decoded = (whole: string, before: string, after = ''): string =>
  decodeURIComponent(between(whole, before, after));
const PLACES: readonly Place[] = [
  ['a message', (text) => redactor.text(text)],
  ['a header', (text) => redactor.headers(['X-Note', text]).value[1] ?? ''],
  ['a query', (text) => decoded(redactor.uri(`/a?x=1&q=${encodeURIComponent(text)}`).value, '/a?x=1&q=')],
  ['a path', (text) => decoded(redactor.uri(`/a/${encodeURIComponent(text)}/b`).value, '/a/', '/b')],
  ['text', (text) => body(text, 'text/plain')],
  ['JSON', (text) => String(JSON.parse(body(JSON.stringify({ a: [{ b: text }] }), 'application/json')).a[0].b)],
  ['a form', (text) => decoded(body(`x=1&q=${encodeURIComponent(text)}`, FORM), 'x=1&q=')],
  ['a part', (text) => between(body(`${PART}${text}${PART_END}`, 'multipart/form-data; boundary=B'), PART, PART_END)],
];

const leaks = (show: (text: string) => string): readonly Sample[] =>
  secrets.filter(({ secret, text }) => show(text).includes(secret));

describe(`${secrets.length} secrets from seed ${SEED}`, () => {
  test.each(PLACES)('S08 %s shows none', (_, show) => {
    expect(leaks(show)).toEqual([]);
  });

  test('without the patterns they all would be shown', () => {
    const off = createRedactor({ ...DEFAULT_REDACTION, patterns: [] });
    expect(leaks((text) => off.text(text))).toEqual(secrets);
  });

  test('no half of one is shown where a text was cut in it', () => {
    const cut = secrets
      .filter(({ family }) => family !== 'bearer')
      .map(({ secret, text }) => {
        const at = text.indexOf(secret) + Math.floor(secret.length / 2);
        return { half: text.slice(text.indexOf(secret), at), text: text.slice(0, at) };
      });
    const shown = cut.filter(({ half, text }) => {
      const { value } = redactor.body(Buffer.from(text), 'text/plain', { truncated: true });
      return Buffer.from(value).includes(half);
    });
    expect(shown).toEqual([]);
  });
});

test.each(PLACES)(
  `S08 %s shows ${harmless.length} texts that look like secrets and are none as they are`,
  (_, show) => {
    const changed = harmless.filter(({ text }) => show(text) !== text);
    expect(changed).toEqual([]);
  },
);
