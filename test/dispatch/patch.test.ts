import { readFileSync } from 'node:fs';
import { applyPatch, compilePatch, PatchError } from '../../src/dispatch/patch.ts';
import { TemplateError } from '../../src/dispatch/template.ts';
import type { HeaderPatch } from '../../src/exchange.ts';
import { contextOf, headOf, patchOf, randomFrom, sharedFile } from './fixtures.ts';

const CONTROLS = [...Array(32).keys(), 0x7f].filter((code) => code !== 9).map((code) => String.fromCharCode(code));

function patched(headers: readonly string[], patch: Partial<HeaderPatch>, context = contextOf()): string[] {
  const copy = [...headers];
  applyPatch(copy, compilePatch(patchOf(patch)), context);
  return copy;
}

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return null;
}

describe('applyPatch', () => {
  test('an empty patch touches nothing', () => {
    const headers = Object.freeze(['a', '1']);
    expect(compilePatch(patchOf()).isEmpty).toBe(true);
    expect(patched(headers, {})).toEqual(['a', '1']);
  });

  test.each<[string, string[], Partial<HeaderPatch>, string[]]>([
    ['remove takes every line, in any case', ['X-A', '1', 'b', '2', 'x-a', '3'], { remove: ['x-A'] }, ['b', '2']],
    [
      'set takes the place of the first line',
      ['a', '1', 'X-B', '2', 'c', '3', 'x-b', '4'],
      { set: { 'x-B': 'n' } },
      ['a', '1', 'x-B', 'n', 'c', '3'],
    ],
    [
      'set without such a line comes at the end',
      ['a', '1'],
      { set: { B: '2', c: '3' } },
      ['a', '1', 'B', '2', 'c', '3'],
    ],
    ['add leaves what is there', ['a', '1'], { add: { A: '2' } }, ['a', '1', 'A', '2']],
    ['remove comes before set', ['a', '1', 'b', '2'], { remove: ['a'], set: { a: 'n' } }, ['b', '2', 'a', 'n']],
    ['set comes before add', ['a', '1'], { set: { a: 'n' }, add: { a: 'm' } }, ['a', 'n', 'a', 'm']],
    ['remove comes before add', ['a', '1'], { remove: ['a'], add: { a: 'm' } }, ['a', 'm']],
    [
      'a name of the same length is another name',
      ['abc', '1'],
      { remove: ['abd'], set: { xbc: '2' } },
      ['abc', '1', 'xbc', '2'],
    ],
    ['Host may be set', ['Host', 'a', 'x', '1'], { set: { host: 'b' } }, ['host', 'b', 'x', '1']],
    [
      'two spellings in set are one header, the later counts',
      ['x-a', '1'],
      { set: { 'X-A': '2', 'x-A': '3' } },
      ['x-A', '3'],
    ],
    ['an empty value is a value', ['a', '1'], { set: { a: '' } }, ['a', '']],
    ['punctuation is not folded like letters', ['x^', '1', 'x~', '2'], { remove: ['X~'] }, ['x^', '1']],
  ])('%s', (_title, headers, patch, expected) => {
    expect(patched(headers, patch)).toEqual(expected);
  });

  test('one compiled patch serves one request after another', () => {
    const patch = compilePatch(patchOf({ set: { a: '${header:x|none}', b: 'lit' }, add: { c: '${header:x}' } }));
    const results = ['1', null, '3', null].map((value) => {
      const headers = ['A', 'old', 'b', 'old'];
      applyPatch(headers, patch, contextOf({ head: headOf({ rawHeaders: value === null ? [] : ['x', value] }) }));
      return headers.join();
    });
    expect(results).toEqual(['a,1,b,lit,c,1', 'a,none,b,lit', 'a,3,b,lit,c,3', 'a,none,b,lit']);
  });

  test('names of prototypes are names like others', () => {
    const names = ['__proto__', 'constructor', 'hasOwnProperty', 'toString'];
    const set: Record<string, string> = Object.fromEntries(names.map((name) => [name, 'x']));
    const headers = names.flatMap((name) => [name, 'old']);
    expect(patched(headers, { set })).toEqual(names.flatMap((name) => [name, 'x']));
    expect(patched(headers, { remove: names })).toEqual([]);
    expect(patched([], { add: set })).toHaveLength(8);
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });

  test('a name of 300 characters is found among names as long', () => {
    const long = 'x'.repeat(300);
    expect(patched([long, '1', `${long}y`, '2'], { remove: [long.toUpperCase()] })).toEqual([`${long}y`, '2']);
  });
});

describe('values that are missing', () => {
  test("a header whose request data is missing is left out, and never the caller's own", () => {
    const set = { 'x-user': 'user ${header:x-auth}' };
    expect(patched(['X-User', 'forged', 'b', '1'], { set })).toEqual(['b', '1']);
    expect(patched(['a', '1'], { add: { b: '${query:none}' } })).toEqual(['a', '1']);
  });

  test.each([
    ['${file:/run/token}', /file \/run\/token can not be read/],
    ['${env:TOKEN}', /env TOKEN is not set/],
  ])('%s that is not there is refused with what to do', (text, message) => {
    const error = thrownBy(() => patched(['a', '1'], { set: { authorization: `Bearer ${text}` } }));
    expect(error).toBeInstanceOf(PatchError);
    expect(error).toMatchObject({ header: 'authorization', source: 'config', message: expect.stringMatching(message) });
  });

  test('with a fallback nothing is refused', () => {
    expect(patched([], { set: { a: '${file:/none|f}${env:NONE|e}' } })).toEqual(['a', 'fe']);
  });
});

describe('what HTTP forbids', () => {
  test.each(CONTROLS)('%j in a literal is refused when it is compiled', (control) => {
    const error = thrownBy(() => compilePatch(patchOf({ set: { 'x-a': `a${control}b` } })));
    expect(error).toMatchObject({ name: 'PatchError', header: 'x-a', source: 'config' });
    expect(thrownBy(() => compilePatch(patchOf({ add: { a: `\${id|${control}}` } })))).toBeInstanceOf(PatchError);
  });

  test.each(CONTROLS)('%j from a request is refused, and the headers stay as they were', (control) => {
    const uri = `/?q=a%${control.charCodeAt(0).toString(16).padStart(2, '0')}b`;
    const headers = ['a', '1', 'x-a', '2'];
    const patch = compilePatch(patchOf({ remove: ['a'], set: { 'x-a': '${query:q}' } }));
    const error = thrownBy(() => applyPatch(headers, patch, contextOf({ head: headOf({ uri }) })));
    expect(error).toMatchObject({ name: 'PatchError', header: 'x-a', source: 'request' });
    expect(headers).toEqual(['a', '1', 'x-a', '2']);
  });

  test("a line break in a file is the operator's", () => {
    const values = { env: () => 'a\rb', file: () => 'a\nb' };
    for (const text of ['${file:/x}', '${env:X}']) {
      const error = thrownBy(() => patched([], { add: { 'x-a': text } }, contextOf({ values })));
      expect(error).toMatchObject({ header: 'x-a', source: 'config' });
      expect(String(error)).not.toContain('a\nb');
    }
  });

  test('a tab, every byte from 0x80 and every visible character may be sent', () => {
    const bytes = Array.from({ length: 128 }, (_, i) => String.fromCharCode(128 + i)).join('');
    const head = headOf({ rawHeaders: ['x', `\t ~!"${bytes}`] });
    expect(patched([], { set: { y: '${header:x}' } }, contextOf({ head }))).toEqual(['y', `\t ~!"${bytes}`]);
  });

  test('a character whose low byte is a line feed goes out as its UTF-8 bytes', () => {
    const head = headOf({ uri: '/?q=%E5%98%8A' });
    expect(patched([], { set: { y: '${query:q}|嘊€' } }, contextOf({ head }))).toEqual([
      'y',
      '\xe5\x98\x8a|\xe5\x98\x8a\xe2\x82\xac',
    ]);
  });

  test.each(['', 'a b', 'a:', 'a\r\nb', 'é', 'a,b', ' a'])('"%s" is no header name', (name) => {
    expect(thrownBy(() => compilePatch(patchOf({ set: { [name]: 'x' } })))).toBeInstanceOf(PatchError);
    expect(thrownBy(() => compilePatch(patchOf({ remove: [name] })))).toBeInstanceOf(PatchError);
  });

  test.each(['content-length', 'Transfer-Encoding'])('%s is not patched', (name) => {
    for (const patch of [{ set: { [name]: '1' } }, { add: { [name]: '1' } }, { remove: [name] }]) {
      expect(thrownBy(() => compilePatch(patchOf(patch)))).toMatchObject({ name: 'PatchError', source: 'config' });
    }
  });

  test('a template that can not be read is a TemplateError', () => {
    expect(() => compilePatch(patchOf({ set: { a: '${nope}' } }))).toThrow(TemplateError);
  });
});

interface CrlfCase {
  readonly id: string;
  readonly value: string;
}

function crlfCases(): CrlfCase[] {
  const file = sharedFile('corpus/crlf.json');
  return file === null ? [] : JSON.parse(readFileSync(file, 'utf8')).cases;
}

/** Each payload as it comes, and percent-decoded once and twice, as the corpus asks. */
function decodings(value: string): string[] {
  const found = [value];
  for (let i = 0; i < 2; i++) {
    const last = found[found.length - 1] ?? '';
    found.push(last.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))));
  }
  return found;
}

test('no payload of the CRLF corpus makes a header line, by header, query, file or environment', () => {
  let refused = 0;
  let tried = 0;
  for (const { value } of crlfCases()) {
    for (const text of decodings(value)) {
      const head = headOf({ uri: `/?q=${text.replaceAll('&', '%26')}`, rawHeaders: ['x', text] });
      const context = contextOf({ head, values: { env: () => text, file: () => text }, rule: text, target: text });
      for (const name of ['header:x', 'query:q', 'env:X', 'file:/x', 'rule', 'target']) {
        tried++;
        const headers = ['a', '1'];
        const patch = compilePatch(patchOf({ set: { 'x-b': `v\${${name}}` } }));
        const error = thrownBy(() => applyPatch(headers, patch, context));
        if (error === null) expect(CONTROLS.filter((control) => headers.join('').includes(control))).toEqual([]);
        else refused++;
        if (error !== null) expect(error).toBeInstanceOf(PatchError);
      }
    }
  }
  if (tried > 0) expect(refused).toBeGreaterThan(tried / 4);
});

/** Remove, set, add, as DESIGN section 3 says it, one after the other and slowly. */
function naive(headers: readonly string[], patch: HeaderPatch): string[] {
  let lines: [string, string][] = [];
  for (let i = 0; i < headers.length; i += 2) lines.push([headers[i] ?? '', headers[i + 1] ?? '']);
  const named = (name: string) => (line: [string, string]) => line[0].toLowerCase() === name.toLowerCase();
  for (const name of patch.remove) lines = lines.filter((line) => !named(name)(line));
  for (const [name, value] of Object.entries(patch.set)) {
    const first = lines.findIndex(named(name));
    lines = lines
      .map((line, i): [string, string] => (i === first ? [name, value] : line))
      .filter((line, i) => i === first || !named(name)(line));
    if (first < 0) lines.push([name, value]);
  }
  for (const [name, value] of Object.entries(patch.add)) lines.push([name, value]);
  return lines.flat();
}

test('5,000 random patches agree with the three steps done one after the other', () => {
  const random = randomFrom(7);
  const names = ['a', 'B', 'x-a', 'X-A', 'x-b', 'Cookie', 'cookie', 'cOOkie'];
  const pick = (): string => names[Math.floor(random() * names.length)] ?? '';
  const record = (): Record<string, string> => {
    const entries: [string, string][] = [];
    const seen = new Set<string>();
    for (let n = Math.floor(random() * 4); n > 0; n--) {
      const name = pick();
      if (!seen.has(name.toLowerCase())) entries.push([name, String(Math.floor(random() * 100))]);
      seen.add(name.toLowerCase());
    }
    return Object.fromEntries(entries);
  };
  for (let i = 0; i < 5000; i++) {
    const headers: string[] = [];
    for (let n = Math.floor(random() * 8); n > 0; n--) headers.push(pick(), String(Math.floor(random() * 100)));
    const remove = Array.from({ length: Math.floor(random() * 3) }, pick);
    const patch = { set: record(), add: record(), remove };
    expect(patched(headers, patch)).toEqual(naive(headers, patch));
  }
});
