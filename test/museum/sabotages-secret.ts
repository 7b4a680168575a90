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
    find: "createHash('sha256').update(content.value)",
    replace: "createHash('sha256').update(body ?? NOTHING)",
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
    name: 'keepOriginal: false stores the original',
    file: 'src/runtime/keeper-spool.ts',
    find: 'const toStore = keepOriginal ? captures :',
    replace: 'const toStore = captures.length > 0 ? captures :',
    caughtBy: { file: 'test/runtime/keeper-answer.test.ts', title: 'with keepOriginal: false secrets are gone' },
  },
];
