import { createCipheriv, hkdfSync } from 'node:crypto';
import { parseKeys, Sealer, TAG_BYTES } from '../../src/record/seal.ts';
import { bytesOf, thrownBy } from './spool-fixtures.ts';

const salt = bytesOf(16, 9);
const sealer = new Sealer([bytesOf(32, 1)]);
const text = Buffer.from('a text to seal');

test('what was sealed opens under the same counter, field and context, and takes 16 bytes more', () => {
  const sealed = sealer.subkey(salt).seal(7, 1, 'id', text);
  expect(sealed).toHaveLength(text.length + TAG_BYTES);
  expect(sealer.subkey(salt).open(7, 1, 'id', sealed)).toEqual(text);
});

test.each([
  ['counter', () => sealer.subkey(salt).open(8, 1, 'id', sealed())],
  ['field', () => sealer.subkey(salt).open(7, 2, 'id', sealed())],
  ['context', () => sealer.subkey(salt).open(7, 1, 'other', sealed())],
  ['salt', () => sealer.subkey(bytesOf(16, 8)).open(7, 1, 'id', sealed())],
  ['key', () => new Sealer([bytesOf(32, 2)]).subkey(salt).open(7, 1, 'id', sealed())],
  ['length', () => sealer.subkey(salt).open(7, 1, 'id', sealed().subarray(1))],
  ['tag', () => sealer.subkey(salt).open(7, 1, 'id', sealed().subarray(0, 3))],
])('it does not open with another %s', (_, open) => {
  expect(thrownBy(open)).toMatchObject({ name: 'SpoolError', fault: 'corrupt' });
});

function sealed(): Buffer {
  return sealer.subkey(salt).seal(7, 1, 'id', text);
}

// The format on the disk: what one release seals the other opens.
test.each([0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 1])(
  'the nonce is the field, then the counter (%d), big-endian',
  (counter) => {
    const key = Buffer.from(hkdfSync('sha256', bytesOf(32, 1), salt, 'outrider spool 1', 32));
    const nonce = Buffer.alloc(12);
    nonce.writeUInt32BE(2, 0);
    nonce.writeBigUInt64BE(BigInt(counter), 4);
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from('an id'));
    const expected = Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
    expect(sealer.subkey(salt).seal(counter, 2, 'an id', text)).toEqual(expected);
  },
);

test('no single flipped bit opens', () => {
  const subkey = sealer.subkey(salt);
  const whole = sealed();
  for (let bit = 0; bit < whole.length * 8; bit += 1) {
    const changed = Buffer.from(whole);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(thrownBy(() => subkey.open(7, 1, 'id', changed))).toMatchObject({ fault: 'corrupt' });
  }
});

test('the same text never looks the same under another counter, field or salt', () => {
  const subkey = sealer.subkey(salt);
  const all = [subkey.seal(1, 1, '', text), subkey.seal(2, 1, '', text), subkey.seal(1, 2, '', text)];
  all.push(subkey.seal(2 ** 40 + 1, 1, '', text), sealer.subkey(bytesOf(16, 3)).seal(1, 1, '', text));
  expect(new Set(all.map((bytes) => bytes.toString('hex'))).size).toBe(all.length);
});

test('a key has a name that tells nothing of it, and a key that is not there is named', () => {
  const [one, two] = [bytesOf(32, 1), bytesOf(32, 2)];
  const both = new Sealer([two, one]);
  expect(both.keyId).toMatch(/^[0-9a-f]{16}$/);
  expect(both.keyId).not.toBe(sealer.keyId);
  expect(one.toString('hex')).not.toContain(sealer.keyId);
  expect(both.has(sealer.keyId)).toBe(true);
  expect(thrownBy(() => sealer.subkey(salt, both.keyId))).toMatchObject({
    fault: 'key',
    message: expect.stringContaining(both.keyId),
  });
});

test('keys are read in base64, in its URL alphabet and in hex', () => {
  const keys = [bytesOf(32, 1), bytesOf(32, 2), bytesOf(32, 3)];
  const [a = '', b = '', c = ''] = [
    keys[0]?.toString('base64'),
    keys[1]?.toString('base64url'),
    keys[2]?.toString('hex'),
  ];
  expect(parseKeys(`# first\r\n${a}\r\n\n${b}\n  ${c}  \n`, 'file')).toEqual(keys);
  expect(thrownBy(() => parseKeys(`${a}\nnonsense\n`, 'file'))).toMatchObject({
    message: expect.stringContaining('file:2'),
  });
});
