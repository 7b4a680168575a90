/**
 * Messages beyond the corpus, made by a table: bytes where they don't belong in Transfer-Encoding, Content-Length and
 * Host, the published ways to hide one of them (F06, F07), and chunk lines that two parsers may read differently (F11,
 * F12). Every one that holds a `/smuggled` request is a request in a request to a parser that falls for it.
 */
import type { Message } from './corpus.ts';
import { generator } from './mutations.ts';

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n';

const BYTES = [...range(0x00, 0x20), ...range(0x7f, 0xff)].map((code) => String.fromCharCode(code));

/** A line of a head, without its end. `%` is where the byte goes. */
const PLACES = [
  ['before the name', '%NAME: VALUE'],
  ['in the name', 'NA%ME: VALUE'],
  ['after the name', 'NAME%: VALUE'],
  ['before the value', 'NAME:%VALUE'],
  ['in the value', 'NAME: VAL%UE'],
  ['after the value', 'NAME: VALUE%'],
] as const;

/** The published ways to hide a line from one of two parsers (PortSwigger's and defparam's tables). */
const HIDDEN = [
  'NAME : VALUE',
  'NAME\t:\tVALUE',
  ' NAME: VALUE',
  '\tNAME: VALUE',
  'X: y\r\n NAME: VALUE',
  'X: y\r\n\tNAME: VALUE',
  'X: y\nNAME: VALUE',
  'X: y\rNAME: VALUE',
  'X: y\n\rNAME: VALUE',
  'X: y\r\rNAME: VALUE',
  'X: y\0NAME: VALUE',
  'NAME:\r\n VALUE',
  'NAME:\r\n\tVALUE',
  'NAME:\n VALUE',
  'NAME\r\n: VALUE',
  'NAME:\x0bVALUE',
  'NAME: VALUE\r\nNAME: x',
  'NAME: x\r\nNAME: VALUE',
  'NAME: VALUE\r\nNAME: VALUE',
  'name: VALUE\r\nNAME: VALUE',
  'NAME: "VALUE"',
  "NAME: 'VALUE'",
  'NAME: VALUE, x',
  'NAME: x, VALUE',
  'NAME: VALUE,',
  'NAME: ,VALUE',
  'NAME: VALUE;q=1',
  'NAME: xVALUE',
  'NAME: VALUEx',
  'NAME: VALUE VALUE',
  'NAME: \\VALUE',
  'NAME: VALUE\x85',
  'NAME: VALUE\xa0',
  'NAME: VALUE\xad',
  'NAME:',
  'NAME',
  'NAME VALUE',
  ': VALUE',
  'Connection: NAME\r\nNAME: VALUE',
  'Connection: close, NAME\r\nNAME: VALUE',
  'Foo: bar\r\n\rNAME: VALUE',
  'NAME: VALUE\r\nExpect: 100-continue',
  'Expect: x 100-continue\r\nNAME: VALUE',
  'NA\\ME: VALUE',
  'NAME\x00: VALUE',
  'NAME: VALUE\x00',
] as const;

const FIELDS = [
  ['Transfer-Encoding', 'chunked'],
  ['Content-Length', '%LENGTH'],
  ['Host', 'a.test'],
] as const;

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** All of them, always in the same order. */
export function allVariants(): Message[] {
  const messages: Message[] = [];
  for (const [name, value] of FIELDS) {
    const lines = [
      ...PLACES.flatMap(([place, form]) =>
        BYTES.map((byte) => [`${place} ${hex(byte)}`, form.replace('%', byte)] as const),
      ),
      ...HIDDEN.map((form) => [JSON.stringify(form), form] as const),
    ];
    for (const [title, form] of lines) {
      const line = form
        .replaceAll('NAME', name)
        .replaceAll('NA\\ME', name.replace('-', '\\-'))
        .replace(/NA(.)ME/s, split(name));
      messages.push(
        ...framings(`${name}: ${title}`, line.replaceAll('VALUE', value).replace(/VAL(.)UE/s, split(value))),
      );
    }
  }
  return [...messages, ...chunkVariants()];
}

const hex = (byte: string): string => `0x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`;

const split =
  (text: string) =>
  (_: string, byte: string): string =>
    text.slice(0, 4) + byte + text.slice(4);

/** The line beside a plain one of the other framing: CL.TE, TE.CL and the line alone. */
function framings(title: string, line: string): Message[] {
  const chunked = `0\r\n\r\n${SMUGGLED}`;
  const inChunk = `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`;
  const host = /^.?host/i.test(line) || line.includes('Host') ? '' : 'Host: a.test\r\n';
  const message = (form: string, fields: string, body: string): Message => {
    const head = `POST /v HTTP/1.1\r\n${host}${fields}\r\n\r\n`.replaceAll('%LENGTH', String(body.length));
    return { id: `${form} ${title}`, title, bytes: Buffer.from(head + body, 'latin1'), enforce: 'no-desync' };
  };
  if (host === '') return [message('host', `${line}\r\nContent-Length: %LENGTH`, SMUGGLED)];
  if (line.includes('Content-Length')) {
    return [message('CL', line, SMUGGLED), message('CL.TE', `${line}\r\nTransfer-Encoding: chunked`, chunked)];
  }
  return [
    message('TE', line, chunked),
    message('CL.TE', `Content-Length: %LENGTH\r\n${line}`, chunked),
    message('TE.CL', `${line}\r\nContent-Length: 4`, inChunk),
  ];
}

const SIZES = [
  '0x5',
  '+5',
  '-5',
  '-0x0',
  '0_5',
  ' 5',
  '5 ',
  '5\t',
  '',
  'Z',
  'g',
  '5g',
  '00000000000000005',
  '10000000000000005',
  'FFFFFFFFFFFFFFED',
];
const ENDS = [
  '\n',
  '\r',
  '\rX',
  '\r\r',
  'XX',
  '',
  '\r\n\r\n',
  '\n\n',
  '\n\r',
  ';\n',
  ';\r',
  ';a\nb\r\n',
  ' \r\n',
  '\0\r\n',
];

function chunkVariants(): Message[] {
  const sizeLines = [...SIZES, ...BYTES.map((byte) => `5${byte}`), ...BYTES.map((byte) => `${byte}5`)].map(
    (size) => `${size}\r\n`,
  );
  const bodies = [
    ...sizeLines.map((line) => `${line}hello\r\n0\r\n\r\n`),
    ...ENDS.map((end) => `5${end}hello\r\n0\r\n\r\n`),
    ...ENDS.map((end) => `5\r\nhello${end}0\r\n\r\n`),
    ...ENDS.map((end) => `5\r\nhello\r\n0${end}\r\n`),
    ...ENDS.map((end) => `5\r\nhello\r\n0\r\n${end}`),
    ...BYTES.map((byte) => `5;a${byte}b=c\r\nhello\r\n0\r\n\r\n`),
    ...BYTES.map((byte) => `5\r\nhello\r\n0\r\nX${byte}: y\r\n\r\n`),
  ];
  return bodies.map((body) => {
    const head = 'POST /c HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n';
    const bytes = Buffer.from(head + body + SMUGGLED.replace('smuggled', 'behind'), 'latin1');
    return { id: `chunks ${JSON.stringify(body)}`, title: 'chunks', bytes, enforce: 'no-desync' };
  });
}

/** So many of them, the same ones for the same seed. */
export function sampleOf<T>(items: readonly T[], count: number, seed: number): T[] {
  const left = [...items];
  const sample: T[] = [];
  const next = generator(seed);
  while (sample.length < count && left.length > 0) sample.push(...left.splice(next(left.length), 1));
  return sample;
}
