/** Originals that leave the process. */
import type { Sabotage } from './sabotage.ts';

const LEAVES = { file: 'test/record/record.test.ts', title: 'everything that leaves is redacted' };
const REDACT = 'test/record/redact.test.ts';

export const SECRET_SABOTAGES: readonly Sabotage[] = [
  {
    name: 'the original headers are published beside the redacted ones',
    file: 'src/record/record.ts',
    find: 'raw_headers: pairsFrom(headers.value),',
    replace: 'raw_headers: pairsFrom(request.rawHeaders),',
    caughtBy: LEAVES,
  },
  {
    name: 'the original query is published',
    file: 'src/record/record.ts',
    find: 'splitUri(uri.value)',
    replace: 'splitUri(request.uri)',
    caughtBy: LEAVES,
  },
  {
    name: 'the original body is published',
    file: 'src/record/record.ts',
    find: 'const published = encodeBody(content.value);',
    replace: 'const published = encodeBody(body ?? NOTHING);',
    caughtBy: {
      file: 'test/record/record.test.ts',
      title: 'the hash is of the body as published|everything that leaves',
    },
  },
  {
    name: 'the hash of the original body is published',
    file: 'src/record/record.ts',
    find: "hash('sha256', content.value, 'hex')",
    replace: "hash('sha256', body ?? NOTHING, 'hex')",
    caughtBy: { file: 'test/record/record.test.ts', title: 'the hash is of the body as published' },
  },
  {
    name: 'a secret header in other letters is published',
    file: 'src/record/redact-rules.ts',
    find: 'name.toLowerCase().replace(',
    replace: 'name.replace(',
    caughtBy: { file: REDACT, title: '' },
  },
  {
    name: 'a body that can not be looked into is published',
    file: 'src/record/redact.ts',
    find: "if (value === null) return { value: new Uint8Array(0), paths: ['body'], withheld: true };",
    replace: "if (value === null) return { value: bytes, paths: ['body'], withheld: true };",
    caughtBy: { file: REDACT, title: 'withheld' },
  },
  {
    name: 'the URL of an attempt is published with its query',
    file: 'src/record/redact.ts',
    find: 'url: redactor.uri(attempt.url).value',
    replace: 'url: attempt.url',
    caughtBy: LEAVES,
  },
  {
    name: 'the start of a secret at the end of what was cut off is published',
    file: 'src/record/redact-body.ts',
    find: 'truncated ? rules.cut(shown) : shown',
    replace: 'shown',
    caughtBy: { file: 'test/record/redact-disguises.test.ts', title: 'that the cut went through' },
  },
  {
    name: 'what is encoded within a value is published',
    file: 'src/record/redact-rules.ts',
    find: "return shown.includes('%') ?",
    replace: "return shown.includes('%%') ?",
    caughtBy: { file: 'test/record/redact-disguises.test.ts', title: 'encoded' },
  },
  {
    name: 'keepOriginal: false stores the original',
    file: 'src/runtime/keeper-spool.ts',
    find: 'const toStore = keepOriginal ? captures :',
    replace: 'const toStore = captures.length > 0 ? captures :',
    caughtBy: { file: 'test/runtime/keeper-answer.test.ts', title: 'with keepOriginal: false secrets are gone' },
  },
];
