import { Chunks } from '../../src/accept/chunks.ts';

const text = (chunks: Chunks): string => Buffer.concat(chunks.list()).toString();

describe('bytes that wait', () => {
  test('one piece is kept as it came', () => {
    const chunks = new Chunks();
    const piece = Buffer.from('hello');
    chunks.add(piece);
    expect(chunks.list()).toEqual([piece]);
    expect(chunks.whole()).toBe(piece);
    expect(chunks.bytes).toBe(5);
  });

  test('byte by byte they are few objects, in their order', () => {
    const chunks = new Chunks();
    const all = Array.from({ length: 20_000 }, (_, n) => String.fromCharCode(97 + (n % 26))).join('');
    for (const letter of all) chunks.add(Buffer.from(letter));
    expect(text(chunks)).toBe(all);
    expect(chunks.list().length).toBeLessThan(10);
    expect(String(chunks.whole())).toBe(all);
  });

  test('small and large ones keep their order', () => {
    const chunks = new Chunks();
    const pieces = [3, 2000, 5, 7, 1024, 1, 4090, 10].map((size, n) => Buffer.alloc(size, String(n)));
    for (const piece of pieces) chunks.add(piece);
    expect(text(chunks)).toBe(Buffer.concat(pieces).toString());
    expect(chunks.bytes).toBe(pieces.reduce((sum, { length }) => sum + length, 0));
  });

  test('what has been taken out does not change when more comes', () => {
    const chunks = new Chunks();
    chunks.add(Buffer.from('a'));
    chunks.add(Buffer.from('b'));
    const before = [...chunks.list()];
    chunks.add(Buffer.from('c'));
    expect(before.map(String)).toEqual(['a', 'b']);
    expect(text(chunks)).toBe('abc');
  });

  test('cleared, it begins anew', () => {
    const chunks = new Chunks();
    chunks.add(Buffer.from('a'));
    chunks.add(Buffer.from('b'));
    chunks.clear();
    expect([chunks.bytes, chunks.list()]).toEqual([0, []]);
    chunks.add(Buffer.from('c'));
    expect(text(chunks)).toBe('c');
  });
});
