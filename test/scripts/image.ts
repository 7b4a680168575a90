/** Processes inside the image's file system. */
import { readFileSync } from 'node:fs';
import { argumentsOf, imageStage } from '../../scripts/image/dockerfile.ts';
import { type Child, startChild } from '../helpers/child.ts';

const IMAGE_UID = 10001;

/** The image's entry point and command, or other words in their place. */
export function imageCommand(...command: string[]): string[] {
  const list = (name: string): string[] => JSON.parse(argumentsOf(imageStage(), name)[0] ?? '[]');
  return [...list('ENTRYPOINT'), ...(command.length > 0 ? command : list('CMD'))];
}

/** Runs in the image as its user and as process 1, without network of its own, as a container would. */
export function startInImage(root: string, command: readonly string[], env: Record<string, string> = {}): Child {
  const isRoot = process.getuid?.() === 0;
  const namespaces = ['--pid', '--fork', '--kill-child', ...(isRoot ? [] : ['--map-root-user'])];
  const user = isRoot ? [`--userspec=${IMAGE_UID}:${IMAGE_UID}`] : [];
  const inside = ['chroot', ...user, root, ...command];
  const PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
  return startChild('unshare', [...namespaces, ...inside], { env: { PATH, NODE_ENV: 'production', ...env } });
}

/** The command line of a process. */
export function wordsOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
}

/** Process 1 of the image, as the machine outside numbers it. */
export function innerPid(child: Child): number {
  const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
  return Number(children.trim().split(' ')[0]);
}
