/** The walkthrough's README as steps: its commands, and what each is said to print. */
import { missingLines, outputAfter, readBlocks } from '../../test/docs/blocks.ts';

/** How images get into a cluster; all else is the same on each. */
export const CLUSTERS = ['minikube', 'kind', 'test'] as const;

export interface Step {
  /** Of the block's fence in the README, from 1. */
  readonly line: number;
  /** The heading it stands under. */
  readonly section: string;
  readonly command: string;
  /** '' where nothing is said about it. */
  readonly output: string;
}

export interface Choice {
  readonly cluster: string;
  /** false: they are made and loaded already. */
  readonly images: boolean;
}

/** What ends a step's output in the shell's: no command prints it. */
const MARK = '\u001e';
export const CLEAN_UP = 'Clean up';

/** In the order of the README, without the ways to load an image into other clusters. */
export function readSteps(markdown: string, { cluster, images }: Choice): Step[] {
  const lines = markdown.split('\n');
  const blocks = readBlocks(markdown);
  return blocks.flatMap((block) => {
    if (block.language !== 'sh') return [];
    const before = lines.slice(0, block.line - 1);
    const load = /<!-- load: (\w+) -->/.exec(before.at(-1) ?? '')?.[1] ?? '';
    const isImage = load !== '' || block.needs === 'clone';
    if ((isImage && !images) || (load !== '' && load !== cluster)) return [];
    const heading = before.findLast((line) => line.startsWith('## ')) ?? '';
    const section = heading.replace(/^## (\d+\. )?/, '');
    return [{ line: block.line, section, command: block.text, output: outputAfter(blocks, block) }];
  });
}

/** One script, as a person has one shell: what goes on in the background outlives its step. */
export function scriptOf(steps: readonly Step[]): string {
  const commands = steps.map(({ command }) => `${command}\nprintf '\\n${MARK}'\n`);
  const stop = `trap 'for job in $(jobs -p); do kill "$job" 2>/dev/null || true; done' EXIT`;
  return ['exec 2>&1', 'set -euo pipefail', stop, ...commands].join('\n');
}

export interface StepResult {
  readonly step: Step;
  readonly printed: string;
  readonly ms: number;
  /** Lines that the README shows and the command didn't print. */
  readonly missing: readonly string[];
}

/** Takes a shell's output as it comes, and tells of each step as it ends. */
export class StepOutput {
  readonly #steps: readonly Step[];
  readonly #done: (result: StepResult) => void;
  #printed = '';
  #count = 0;
  #beganAt = performance.now();

  constructor(steps: readonly Step[], done: (result: StepResult) => void) {
    this.#steps = steps;
    this.#done = done;
  }

  /** The step that runs, or that the shell ended in; undefined after the last. */
  get current(): Step | undefined {
    return this.#steps[this.#count];
  }

  /** What the current step has printed so far. */
  get printed(): string {
    return this.#printed.trim();
  }

  push(text: string): void {
    const [first = '', ...rest] = text.split(MARK);
    this.#printed += first;
    for (const next of rest) {
      this.#end();
      this.#printed = next;
    }
  }

  #end(): void {
    const step = this.current;
    if (step === undefined) return;
    const now = performance.now();
    const { printed } = this;
    this.#count += 1;
    this.#done({ step, printed, ms: now - this.#beganAt, missing: missingLines(step.output, printed) });
    this.#beganAt = now;
  }
}
