/** Which changes a running process can't take over. */
import { isDeepStrictEqual } from 'node:util';
import type { Settings } from '../../settings.ts';

/** Sockets are bound and the spool is locked once; a reload that changes one of these is refused whole. */
export function restartNeeded(running: Settings, next: Settings): string[] {
  const parts: readonly (readonly [key: string, before: unknown, after: unknown])[] = [
    ['listeners', running.process.listeners, next.process.listeners],
    ['metrics', running.process.metrics, next.process.metrics],
    ['admin', running.process.admin, next.process.admin],
    ['spool.path', running.process.spool.path, next.process.spool.path],
  ];
  return parts.filter(([, before, after]) => !isDeepStrictEqual(before, after)).map(([key]) => key);
}
