/** What Linux says of a process: the proof that nothing is left open. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What the descriptors of a process point to: paths, `socket:[inode]`, `anon_inode:…`. */
export function openDescriptors(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      // Closed between the listing and the look.
      return [];
    }
  });
}

/** Regular files that a process has open. */
export function openFiles(pid: number): string[] {
  return openDescriptors(pid).filter((link) => link.startsWith('/') && !link.startsWith('/dev/'));
}

/** TCP connections that the other side has closed and the process has not: `local → remote` in the kernel's hex. */
export function halfClosedSockets(pid: number): string[] {
  const CLOSE_WAIT = '08';
  const inodes = new Set(openDescriptors(pid).flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
  return ['tcp', 'tcp6'].flatMap((table) =>
    readTable(pid, table)
      .filter(({ state, inode }) => state === CLOSE_WAIT && inodes.has(inode))
      .map(({ local, remote }) => `${local} → ${remote}`),
  );
}

/** Resident memory that is not backed by files, in bytes. */
export function anonymousMemory(pid: number): number {
  const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status tells no RssAnon`);
  return Number(kilobytes) * 1024;
}

/** CPU that all threads of a process have used, to the nanosecond: /proc/PID/stat counts in hundredths of a second. */
export function cpuMilliseconds(pid: number): number {
  let nanoseconds = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    try {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
    } catch {
      // A thread that ended between the listing and the look.
    }
  }
  return nanoseconds / 1_000_000;
}

/** Connections of a process to a port that are open on both sides. */
export function establishedTo(pid: number, port: number): number {
  const ESTABLISHED = '01';
  const inodes = new Set(openDescriptors(pid).flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = ['tcp', 'tcp6'].flatMap((table) => readTable(pid, table));
  return rows.filter((row) => row.state === ESTABLISHED && row.remote.endsWith(end) && inodes.has(row.inode)).length;
}

interface Row {
  readonly local: string;
  readonly remote: string;
  readonly state: string;
  readonly inode: string;
}

function readTable(pid: number, table: string): Row[] {
  const [, ...lines] = readFileSync(`/proc/${pid}/net/${table}`, 'utf8').trim().split('\n');
  return lines.map((line) => {
    const [, local = '', remote = '', state = '', , , , , , inode = ''] = line.trim().split(/\s+/);
    return { local, remote, state, inode };
  });
}
