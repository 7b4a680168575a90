/**
 * Suites that need what a machine may lack: skipped there with one loud line. With CI=true that is a failure, for a
 * line that nobody reads would hide that something is not shown any more.
 */

/** `missing`: undefined where all is there, else what is not, and what to do: `NO NGINX (install Debian's nginx)`. */
export function describeUnless(missing: string | undefined, title: string, suite: () => void): void {
  if (missing === undefined) {
    describe(title, suite);
    return;
  }
  const line = `SKIPPED, ${missing}: ${title}`;
  if (process.env.CI === 'true') {
    test(title, () => {
      throw new Error(line);
    });
    return;
  }
  process.stderr.write(`\n${line}\n`);
  describe.skip(title, suite);
}

/** For a single test; with CI=true it runs, and fails by what is missing. */
export function testUnless(
  missing: string | undefined,
  title: string,
  body: () => Promise<void>,
  timeoutMs?: number,
): void {
  if (missing === undefined || process.env.CI === 'true') {
    test(title, body, timeoutMs);
    return;
  }
  process.stderr.write(`\nSKIPPED, ${missing}: ${title}\n`);
  test.skip(title, body);
}
