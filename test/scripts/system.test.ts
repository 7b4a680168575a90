import { ensureTools, installPackages } from '../../scripts/system.mjs';

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

describe('apt-get', () => {
  /** It has these packages in its lists, and those after an update; null: there is no network. */
  function makeAptGet(listed: readonly string[], fetched: readonly string[] | null) {
    const lists = new Set(listed);
    const asked: string[] = [];
    const aptGet = ([command = '', ...args]: string[]) => {
      const names = args.filter((word) => !word.startsWith('-'));
      asked.push([command, ...names].join(' '));
      if (command === 'update' && fetched === null)
        return { code: 100, output: 'E: x\nE: Temporary failure resolving\n' };
      if (command === 'update') for (const name of fetched ?? []) lists.add(name);
      const unknown = names.find((name) => !lists.has(name));
      return unknown === undefined ? { code: 0, output: '' } : { code: 100, output: `E: no package ${unknown}\n` };
    };
    return { asked, aptGet };
  }

  test('no lists are fetched where it knows the packages', () => {
    const { asked, aptGet } = makeAptGet(['nginx', 'wrk'], null);
    expect(installPackages(['nginx', 'wrk'], aptGet)).toBe('');
    expect(asked).toEqual(['install nginx wrk']);
  });

  test('lists are fetched once where it does not', () => {
    const { asked, aptGet } = makeAptGet([], ['nginx', 'wrk']);
    expect(installPackages(['nginx', 'wrk'], aptGet)).toBe('');
    expect(asked).toEqual(['install nginx wrk', 'update', 'install nginx wrk']);
  });

  test('a package that is nowhere keeps no other out, and is the problem', () => {
    const { asked, aptGet } = makeAptGet([], ['wrk']);
    expect(installPackages(['nginx', 'wrk'], aptGet)).toBe('E: no package nginx');
    expect(asked.slice(3)).toEqual(['install nginx', 'install wrk']);
  });

  test('without a network that is the problem, and what the old lists have is installed', () => {
    const { asked, aptGet } = makeAptGet(['wrk'], null);
    expect(installPackages(['nginx', 'wrk'], aptGet)).toBe('E: Temporary failure resolving');
    expect(asked).toEqual(['install nginx wrk', 'update', 'install nginx', 'install wrk']);
  });
});
