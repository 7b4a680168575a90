/**
 * Whether the other end of a connection is still held by a process, where that process is on this machine or in this
 * pod: the kernel's table of connections has both ends then. One that was closed stays in it without an owner (inode
 * 0) until it has timed out; one that has only said that it sends no more has its owner still.
 */
import { readFile } from 'node:fs/promises';

/** proc_net_tcp of the kernel's documentation; a caller with an IPv6 socket is in the second. */
const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];
/** sl, local, remote, state, queues, timer, retransmits, uid, timeout, inode. */
const INODE_COLUMN = 9;
/** Reading it costs milliseconds where there are thousands of connections. */
const KEEP_MS = 100;

export class PeerTable {
  private readonly tables: readonly string[];
  private readonly now: () => number;
  private text: Promise<string> | null = null;
  private readAt = 0;

  constructor(tables: readonly string[] = TABLES, now: () => number = () => performance.now()) {
    this.tables = tables;
    this.now = now;
  }

  /** `left`: it is here, and nobody holds it any more. `unknown`: it is elsewhere, or timed out. Never rejects. */
  async look(peerPort: number, ourPort: number): Promise<'held' | 'left' | 'unknown'> {
    const line = new RegExp(`^ *\\d+: [0-9A-F]+:${hex(peerPort)} [0-9A-F]+:${hex(ourPort)} .*$`, 'gm');
    const lines = (await this.read()).match(line) ?? [];
    if (lines.length === 0) return 'unknown';
    return lines.some((each) => Number(each.trim().split(/ +/)[INODE_COLUMN]) > 0) ? 'held' : 'left';
  }

  private read(): Promise<string> {
    if (this.text === null || this.now() - this.readAt > KEEP_MS) {
      this.readAt = this.now();
      this.text = Promise.all(this.tables.map(readTable)).then((texts) => texts.join('\n'));
    }
    return this.text;
  }
}

const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');

/** '' where the system has no such table. */
const readTable = (path: string): Promise<string> => readFile(path, 'latin1').catch(() => '');
