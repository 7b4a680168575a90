/**
 * What others collected, and more of the same made by a table, against a real Outrider. `npm run test:conformance` is
 * this file with every variant, and writes RESULTS.md.
 */
import { answerAttacks } from './answer-attacks.ts';
import { type AnswerRun, runAnswers } from './answer-run.ts';
import { attacks } from './attacks.ts';
import { answerCorpus, HAS_CORPUS, type Message, requestCorpus } from './corpus.ts';
import { mutationsOf } from './mutations.ts';
import { reasonToRefuse } from './reasons.ts';
import { writeResults } from './report.ts';
import { type RequestRun, type Rig, runRequests, startRig } from './request-run.ts';
import { allVariants, sampleOf } from './variants.ts';

const FULL = process.env.OUTRIDER_CONFORMANCE === 'full';
const SEED = Number(process.env.OUTRIDER_CONFORMANCE_SEED ?? 1);
const LONG_MS = 300_000;
const ALL = ['missing-host', 'raw-target', 'bare-lf', 'obs-fold'];

const withCorpus = HAS_CORPUS ? describe : describe.skip;
if (!HAS_CORPUS) process.stderr.write('conformance: ../shared/corpus is not there, its messages are not sent\n');

const some = (messages: readonly Message[], count: number): readonly Message[] =>
  FULL ? messages : sampleOf(messages, count, 1);

const faultsOf = (results: readonly { readonly id: string; readonly violations: readonly string[] }[]): string[] =>
  results.flatMap(({ id, violations }) => violations.map((violation) => `${id}: ${violation}`));

const seen: {
  requests?: RequestRun;
  tolerant?: RequestRun;
  attacks?: RequestRun;
  variants?: RequestRun;
  mutations: RequestRun[];
  answers?: AnswerRun;
  answerAttacks: { GET?: AnswerRun; HEAD?: AnswerRun };
} = { mutations: [], answerAttacks: {} };

let rig: Rig;
let tolerant: Rig;
beforeAll(async () => {
  [rig, tolerant] = await Promise.all([startRig(), startRig(ALL)]);
});

withCorpus('the corpus of requests, whole and byte by byte', () => {
  let run: RequestRun;
  beforeAll(async () => {
    run = await runRequests(rig, requestCorpus());
    seen.requests = run;
  }, LONG_MS);

  test('F31 the target gets each request once, as it was sent, with one framing, or not at all', () => {
    expect(faultsOf(run.results)).toEqual([]);
    expect(run.unexplained).toEqual([]);
  });

  test('F31 of what must be rejected nothing arrives but a request without fault before the fault', () => {
    const rejected = run.results.filter(({ enforce }) => enforce === 'must-reject');
    const arrived = rejected.filter((result) => result.arrived > 0 || result.verdict === 'answered');
    expect(rejected.length).toBeGreaterThan(200);
    // The strict reader judges what arrives: it has to find the fault itself.
    expect(rejected.filter(({ reading }) => reading.rest === 'nothing').map(({ id }) => id)).toEqual([]);
    expect([...new Set(arrived.map(({ id }) => id))]).toEqual([
      'llhttp-request-connection-L84',
      'llhttp-request-connection-L297',
    ]);
  });

  test('what should be accepted is answered, or refused for a reason that an RFC gives', () => {
    const wanted = run.results.filter(({ enforce }) => enforce === 'should-accept');
    const refused = wanted.filter(({ verdict }) => verdict === 'refused');
    expect(refused.filter((result) => reasonToRefuse(result) === null).map(({ id }) => id)).toEqual([]);
    expect(wanted.length - refused.length).toBeGreaterThan(200);
  });

  test('the verdict is the same in both splits', () => {
    const verdicts = new Map<string, Set<string>>();
    for (const { id, completed, verdict } of run.results) {
      const key = `${id} ${completed}`;
      verdicts.set(key, (verdicts.get(key) ?? new Set()).add(verdict));
    }
    expect([...verdicts].filter(([, set]) => set.size > 1)).toEqual([]);
  });

  test('F31 a canary between the messages is always answered', () => {
    expect(run.canaries.good).toBe(run.canaries.sent);
    expect(run.canaries.sent).toBeGreaterThan(40);
  });
});

withCorpus('the corpus of requests at a listener that tolerates all it can', () => {
  let run: RequestRun;
  beforeAll(async () => {
    run = await runRequests(tolerant, FULL ? [...requestCorpus(), ...allVariants()] : requestCorpus());
    seen.tolerant = run;
  }, LONG_MS);

  test('F31 the target gets each request once, as it would have been right, or not at all', () => {
    expect(faultsOf(run.results)).toEqual([]);
    expect(run.unexplained).toEqual([]);
    expect(run.canaries.good).toBe(run.canaries.sent);
  });

  test('of what must be rejected only that is answered which the repair makes right', () => {
    const answered = run.results.filter(({ enforce, verdict }) => enforce === 'must-reject' && verdict === 'answered');
    expect([...new Set(answered.map(({ id }) => id))]).toEqual([
      // What follows a request that closes its connection is ignored.
      'llhttp-request-connection-L84',
      'llhttp-request-connection-L297',
      // A space in the target, a folded line, no Host.
      'llhttp-request-uri-L248',
      'gunicorn-invalid-obs_fold_01',
      'lighttpd-317',
      'llhttp-request-uri-L248+host',
    ]);
  });
});

describe('attacks, whole and byte by byte', () => {
  let run: RequestRun;
  beforeAll(async () => {
    run = await runRequests(rig, attacks());
    seen.attacks = run;
  }, LONG_MS);

  test('F31 the target gets each request once, as it was sent, with one framing, or not at all', () => {
    expect(faultsOf(run.results)).toEqual([]);
    expect(run.unexplained).toEqual([]);
    expect(run.canaries.good).toBe(run.canaries.sent);
  });

  test(
    'F31 a listener that tolerates all it can is led no further astray',
    async () => {
      const { results, unexplained, canaries } = await runRequests(tolerant, some(attacks(), 300));
      expect(faultsOf(results)).toEqual([]);
      expect(unexplained).toEqual([]);
      expect(canaries.good).toBe(canaries.sent);
    },
    LONG_MS,
  );

  test('F31 what must be rejected is refused, and nothing of it arrives whole', () => {
    const rejected = run.results.filter(({ enforce }) => enforce === 'must-reject');
    const passed = rejected.filter((result) => result.arrived > 0 || result.verdict === 'answered');
    expect([...new Set(passed.map(({ id }) => id))]).toEqual([]);
    expect(rejected.length).toBeGreaterThan(500);
  });

  test('what is right is answered', () => {
    const right = run.results.filter(({ enforce }) => enforce === 'should-accept');
    expect(right.filter(({ verdict }) => verdict === 'refused').map(({ id, split }) => `${id} ${split}`)).toEqual([]);
    expect(right.length).toBeGreaterThan(150);
  });
});

test(
  'F06 F07 F11 F12 no byte at any place of a framing or Host line, and no chunk line, makes two readings of one message',
  async () => {
    const all = allVariants();
    const run = await runRequests(rig, some(all, 300));
    seen.variants = run;
    expect(faultsOf(run.results)).toEqual([]);
    expect(run.unexplained).toEqual([]);
    expect(run.canaries.good).toBe(run.canaries.sent);
  },
  LONG_MS,
);

withCorpus('the corpus with faults at random', () => {
  test.each([
    ['a listener', () => rig],
    ['one that tolerates all it can', () => tolerant],
  ])(
    'F31 %s makes nothing of them that was not there',
    async (_, at) => {
      const run = await runRequests(at(), mutationsOf(requestCorpus(), FULL ? 12_000 : 300, SEED));
      seen.mutations.push(run);
      expect(faultsOf(run.results)).toEqual([]);
      expect(run.unexplained).toEqual([]);
      expect(run.canaries.good).toBe(run.canaries.sent);
    },
    LONG_MS,
  );
});

withCorpus('the corpus of answers, whole and byte by byte', () => {
  let run: AnswerRun;
  beforeAll(async () => {
    run = await runAnswers(answerCorpus());
    seen.answers = run;
  }, LONG_MS);

  test('F26 B10 B11 a broken answer is 502 or 504 with a record, or a cut connection with a record', () => {
    expect(faultsOf(run.results)).toEqual([]);
  });

  test('a good answer is relayed as it is', () => {
    const good = run.results.filter(({ reading }) => reading.kind === 'whole');
    const lost = good.filter(({ verdict }) => verdict !== 'relayed');
    expect(lost.map(({ id, split, ending, why }) => `${id} ${split} ${ending}: ${why}`)).toEqual([]);
    expect(good.length).toBeGreaterThan(90);
  });

  test('F27 a canary between the answers gets its own answer', () => {
    expect(run.canaries.good).toBe(run.canaries.sent);
  });
});

describe('answers that attack, whole and byte by byte', () => {
  test.each(['GET', 'HEAD'] as const)(
    'F26 F27 B10 B11 to %s a broken one is 502 or 504 with a record, or a cut connection; a good one is relayed as it is',
    async (method) => {
      const run = await runAnswers(some(answerAttacks(), method === 'GET' ? 110 : 50), method);
      seen.answerAttacks[method] = run;
      expect(faultsOf(run.results)).toEqual([]);
      expect(run.canaries.good).toBe(run.canaries.sent);
    },
    LONG_MS,
  );
});

afterAll(() => {
  const runs = [seen.requests, seen.tolerant, seen.attacks, seen.variants, seen.answers, seen.answerAttacks.HEAD];
  if (FULL && !runs.includes(undefined) && seen.mutations.length === 2) writeResults(seen);
});
