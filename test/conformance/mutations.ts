/** Messages with faults at random, for what nobody has thought of: the same ones for the same seed. */
import type { Message } from './corpus.ts';

const PIECES = [
  ...[
    '\r\n',
    '\n',
    '\r',
    ' ',
    '\t',
    '\0',
    '\x0b',
    '\xff',
    ':',
    ',',
    ';',
    '#',
    '@',
    '//',
    '%',
    '+',
    '-',
    '=',
    '"',
    '\\',
    '0',
  ],
  ...[
    'chunked',
    'HTTP/1.1',
    '\r\n\r\n',
    ' \r\n',
    'X: y\r\n',
    'Host: b\r\n',
    'Connection: close\r\n',
    '0\r\n\r\n',
    '5\r\nhello\r\n',
  ],
  ...['Content-Length: 3\r\n', 'Transfer-Encoding: chunked\r\n', 'Expect: 100-continue\r\n'],
  ...['Upgrade: ws\r\nConnection: upgrade\r\n', 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n'],
];
const LARGEST = 1500;
const MOST_FAULTS = 3;

/** `count` messages made of those given: pieces put in, taken out, put over, and the end of one behind another. */
export function mutationsOf(messages: readonly Message[], count: number, seed: number): Message[] {
  const next = generator(seed);
  const texts = messages
    .filter(({ bytes }) => bytes.length < LARGEST)
    .map(({ bytes }) => withHost(bytes.toString('latin1')));
  const any = (): string => texts[next(texts.length)] ?? '';
  return Array.from({ length: count }, () => {
    let text = any();
    for (let faults = 1 + next(MOST_FAULTS); faults > 0; faults--) text = withFault(text, any(), next);
    return {
      id: JSON.stringify(text),
      title: 'a message with faults',
      bytes: Buffer.from(text, 'latin1'),
      enforce: 'no-desync',
    };
  });
}

/** Most of the corpus has none: without it nothing further would be looked at. */
const withHost = (text: string): string => (text.includes('Host') ? text : text.replace('\r\n', '\r\nHost: a\r\n'));

function withFault(text: string, other: string, next: (below: number) => number): string {
  const at = next(text.length);
  const piece = next(3) > 0 ? (PIECES[next(PIECES.length)] ?? '') : String.fromCharCode(next(256));
  switch (next(4)) {
    case 0:
      return text.slice(0, at) + piece + text.slice(at);
    case 1:
      return text.slice(0, at) + text.slice(at + 1 + next(4));
    case 2:
      return text.slice(0, at) + piece + text.slice(at + 1);
    default:
      return text.slice(0, at) + other.slice(next(other.length));
  }
}

/** Whole numbers below a limit, by a linear congruential generator. */
export function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
