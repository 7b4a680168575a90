import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root as projectRoot } from '../project.mjs';

export interface Instruction {
  readonly name: string;
  readonly text: string;
}

export interface Stage {
  /** `AS` name, '' for the last. */
  readonly name: string;
  readonly base: string;
  readonly instructions: readonly Instruction[];
}

export interface Copy {
  /** The stage it comes from, '' for the build's context. */
  readonly from: string;
  readonly owner: string;
  readonly sources: readonly string[];
  readonly destination: string;
}

/** The project's Dockerfile, stage by stage. */
export function readDockerfile(): Stage[] {
  const stages: { name: string; base: string; instructions: Instruction[] }[] = [];
  for (const { name, text } of parseInstructions(readFileSync(join(projectRoot, 'Dockerfile'), 'utf8'))) {
    const [base = '', , stage = ''] = text.split(/\s+/);
    if (name === 'FROM') stages.push({ name: stage, base, instructions: [] });
    else stages.at(-1)?.instructions.push({ name, text });
  }
  return stages;
}

/** The last stage: what is shipped. Throws Error when there is none. */
export function imageStage(): Stage {
  const stage = readDockerfile().at(-1);
  if (stage === undefined) throw new Error('the Dockerfile has no stage');
  return stage;
}

function parseInstructions(text: string): Instruction[] {
  return text
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => ({ name: line.split(/\s+/, 1)[0] ?? '', text: line.replace(/^\S+\s+/, '').trim() }));
}

export function argumentsOf({ instructions }: Stage, name: string): string[] {
  return instructions.filter((instruction) => instruction.name === name).map(({ text }) => text);
}

export function copiesOf(stage: Stage): Copy[] {
  return argumentsOf(stage, 'COPY').map((text) => {
    const words = text.split(/\s+/);
    const option = (name: string) => words.find((word) => word.startsWith(`--${name}=`))?.split('=')[1] ?? '';
    const paths = words.filter((word) => !word.startsWith('--'));
    return {
      from: option('from'),
      owner: option('chown'),
      sources: paths.slice(0, -1),
      destination: paths.at(-1) ?? '',
    };
  });
}
