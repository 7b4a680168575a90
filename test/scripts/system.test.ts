import { ensureTools } from '../../scripts/system.mjs';

/** A machine with these commands; apt-get knows the packages of `known`. */
function makeMachine(present: readonly string[], mayInstall: boolean, known: readonly string[] = []) {
  const installed = new Set(present);
  const asked: string[][] = [];
  const install = (packages: string[]) => {
    asked.push(packages);
    for (const name of packages.filter((name) => known.includes(name))) installed.add(name);
    return known.length > 0 ? '' : 'Could not resolve host';
  };
  return { asked, has: (command: string) => installed.has(command), mayInstall, install };
}

/** What is printed is part of the promise: one line, and none when all is there. */
function linesDuring(action: () => unknown): string[] {
  const lines: string[] = [];
  const write = process.stdout.write;
  process.stdout.write = (chunk: string | Uint8Array) => lines.push(String(chunk)) > 0;
  try {
    action();
  } finally {
    process.stdout.write = write;
  }
  return lines;
}

const tools = { nginx: 'nginx', wrk: 'wrk' };

test('where all tools are there nothing is asked and nothing printed', () => {
  const machine = makeMachine(['nginx', 'wrk'], true);
  expect(linesDuring(() => expect(ensureTools(tools, machine)).toEqual([]))).toEqual([]);
  expect(machine.asked).toEqual([]);
});

test('only what is missing is installed', () => {
  const machine = makeMachine(['nginx'], true, ['wrk']);
  const lines = linesDuring(() => expect(ensureTools(tools, machine)).toEqual([]));
  expect(machine.asked).toEqual([['wrk']]);
  expect(lines).toEqual(['Installing from Debian (once): wrk …\n']);
});

test('without a network the run goes on, with the reason in one line', () => {
  const lines = linesDuring(() => expect(ensureTools(tools, makeMachine([], true))).toEqual(['nginx', 'wrk']));
  expect(lines[1]).toBe('Could not install nginx, wrk (Could not resolve host); tests that need them are skipped.\n');
});

test('a person who is not root is told what is missing, and nothing is tried', () => {
  const machine = makeMachine([], false);
  const lines = linesDuring(() => expect(ensureTools(tools, machine)).toEqual(['nginx', 'wrk']));
  expect(machine.asked).toEqual([]);
  expect(lines).toEqual(['Not installed: nginx, wrk; tests that need them are skipped (needs root and apt-get).\n']);
});
