/** The messages in ../shared/corpus: raw requests and raw answers, collected from the tests of other servers. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '../../../shared/corpus');

export type Enforce = 'must-reject' | 'should-accept' | 'no-desync';

export interface Message {
  readonly id: string;
  readonly title: string;
  readonly bytes: Buffer;
  readonly enforce: Enforce;
}

interface Line {
  readonly id: string;
  readonly title: string;
  readonly bytes_b64: string;
  readonly enforce?: Enforce;
}

export const HAS_CORPUS = existsSync(join(FOLDER, 'requests.jsonl'));

export const requestCorpus = (): Message[] => read('requests.jsonl');

export const answerCorpus = (): Message[] => read('responses.jsonl');

function read(file: string): Message[] {
  const lines = readFileSync(join(FOLDER, file), 'utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const { id, title, bytes_b64, enforce = 'no-desync' }: Line = JSON.parse(line);
    return { id, title, bytes: Buffer.from(bytes_b64, 'base64'), enforce };
  });
}
