/** The memory of a container, seen from the machine that the cluster runs on. */
import { readdirSync, readFileSync } from 'node:fs';

/** KiB of RssAnon of its process 1, or 0 when it is gone. `containerId`: containerd://… */
export function residentOf(containerId: string): number {
  const id = containerId.replace(/^.*\/\//, '');
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const control = textOf(`/proc/${pid}/cgroup`);
    if (!control.includes(id) || !/^NSpid:.*\t1$/m.test(textOf(`/proc/${pid}/status`))) continue;
    return Number(/^RssAnon:\s+(\d+)/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0);
  }
  return 0;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It has just ended.
    return '';
  }
}
