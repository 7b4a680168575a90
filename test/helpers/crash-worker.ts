/** A module that throws in every worker thread when the file appears; it removes it, so that the next one lives. */
export function crashWorkerWhen(file: string): string {
  const source = `
    import { existsSync, rmSync } from 'node:fs';
    import { isMainThread } from 'node:worker_threads';
    const look = () => {
      if (!existsSync(${JSON.stringify(file)})) return;
      rmSync(${JSON.stringify(file)});
      throw new Error('crashed by the test');
    };
    if (!isMainThread) setInterval(look, 10).unref();`;
  return `data:text/javascript,${encodeURIComponent(source)}`;
}
