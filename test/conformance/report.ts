/** test/conformance/RESULTS.md: what the last full run saw. No times in it: it changes only when an outcome does. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AnswerRun } from './answer-run.ts';
import { reasonToRefuse } from './reasons.ts';
import type { RequestResult, RequestRun } from './request-run.ts';

const FILE = join(import.meta.dirname, 'RESULTS.md');

export interface Runs {
  readonly requests?: RequestRun;
  readonly tolerant?: RequestRun;
  readonly attacks?: RequestRun;
  readonly variants?: RequestRun;
  /** At a listener, and at one that tolerates all it can. */
  readonly mutations: readonly RequestRun[];
  readonly answers?: AnswerRun;
  readonly answerAttacks: { readonly GET?: AnswerRun; readonly HEAD?: AnswerRun };
}

export function writeResults(runs: Runs): void {
  writeFileSync(FILE, renderResults(runs));
}

function renderResults(runs: Runs): string {
  const [strict, lenient] = runs.mutations;
  const sections = [
    '# Conformance\n\nMade by `npm run test:conformance`; what is sent and how it is judged is said in the files beside this one.',
    requestSection('The corpus of requests', runs.requests),
    requestSection('The corpus and the variants, with everything that `tolerate` knows', runs.tolerant),
    requestSection('Attacks', runs.attacks),
    requestSection('Variants (F06, F07, F11, F12)', runs.variants),
    requestSection('Faults at random', strict),
    requestSection('Faults at random, with everything that `tolerate` knows', lenient),
    answerSection('The corpus of answers', runs.answers),
    answerSection('Answers that attack', runs.answerAttacks.GET),
    answerSection('The same to HEAD', runs.answerAttacks.HEAD),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

const violations = (results: readonly { readonly violations: readonly string[] }[]): number =>
  results.filter((result) => result.violations.length > 0).length;

function requestSection(title: string, run: RequestRun | undefined): string {
  if (run === undefined) return '';
  const { results, canaries, unexplained } = run;
  const kinds = ['must-reject', 'should-accept', 'no-desync'] as const;
  const rows = kinds
    .map((kind) => [kind, results.filter(({ enforce }) => enforce === kind)] as const)
    .filter(([, list]) => list.length > 0)
    .map(([kind, list]) => {
      const answered = list.filter(({ verdict }) => verdict === 'answered').length;
      const arrived = list.reduce((sum, result) => sum + result.arrived, 0);
      return [kind, list.length, answered, list.length - answered, arrived, violations(list)];
    });
  const head = ['', 'exchanges', 'answered', 'refused', 'whole at the target', 'violations'];
  const wanted = results.filter(({ enforce, verdict }) => enforce === 'should-accept' && verdict === 'refused');
  const must = results.filter(({ enforce, verdict }) => enforce === 'must-reject' && verdict === 'answered');
  return [
    `## ${title}\n`,
    `Each message whole and byte by byte, as it is and, where it is not all of a request, with what completes it.`,
    `Canary requests: ${canaries.good} of ${canaries.sent} answered with 200. Bytes at the target that no request explains: ${unexplained.length}.\n`,
    table([head, ...rows]),
    groups('Wanted by the corpus, and refused:', wanted, (result) => reasonToRefuse(result) ?? 'WITHOUT A REASON'),
    groups('To be rejected, and answered:', must, whyAnswered),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

/** The fault is behind a request without fault, and there it is refused or ignored. */
function whyAnswered({ reading: { requests, rest } }: RequestResult): string {
  if (requests.length === 0) return 'WITHOUT A REASON';
  if (rest === 'ignored')
    return 'a request without fault that closes its connection; what follows is ignored (9112 9.6)';
  if (rest === 'nothing') return 'what the repair makes right';
  return 'a request without fault; what follows is refused';
}

function answerSection(title: string, run: AnswerRun | undefined): string {
  if (run === undefined) return '';
  const { results, canaries } = run;
  const kinds = { whole: 'a whole answer', badHead: 'no whole head', badBody: 'no whole body' } as const;
  const rows = Object.entries(kinds).map(([kind, words]) => {
    const list = results.filter(({ reading }) => reading.kind === kind);
    const relayed = list.filter(({ verdict }) => verdict === 'relayed').length;
    return [words, list.length, relayed, list.length - relayed, violations(list)];
  });
  return [
    `## ${title}\n`,
    'Each whole and byte by byte, with the end of the connection behind it and without.',
    `Canary requests: ${canaries.good} of ${canaries.sent} answered with 200.\n`,
    table([['read to the letter', 'exchanges', 'relayed', '502, 504 or cut, with a record', 'violations'], ...rows]),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function groups<T extends { readonly id: string }>(
  title: string,
  list: readonly T[],
  reason: (item: T) => string,
): string {
  if (list.length === 0) return '';
  const ids = new Map<string, Set<string>>();
  for (const item of list) {
    const why = reason(item);
    ids.set(why, (ids.get(why) ?? new Set()).add(item.id));
  }
  const rows = [...ids].map(([why, set]) => [
    why,
    set.size,
    [...set].slice(0, 3).join(', ') + (set.size > 3 ? ' …' : ''),
  ]);
  return `\n${title}\n\n${table([['why', 'messages', 'for example'], ...rows])}`;
}

function table(rows: readonly (readonly (string | number)[])[]): string {
  const [head = [], ...body] = rows;
  const line = (cells: readonly (string | number)[]): string =>
    `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---|').join('')}`, ...body.map(line)].join('\n');
}
