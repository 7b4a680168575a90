/** What kind of volume a path lies on: some lose everything when the container or the pod goes. */
import { statfsSync } from 'node:fs';
import { resolve } from 'node:path';
import { spoolErrorFrom } from './spool-error.ts';

export interface VolumeKind {
  /** `ext4`, `overlay`, `tmpfs`, `nfs` …, `unknown`. */
  readonly kind: string;
  /** Why it does not keep the promise, for a person; '' when it does as far as can be told. */
  readonly warning: string;
}

/** Magic numbers of statfs(2), linux/magic.h and the file systems' own sources. */
const KINDS: Readonly<Record<number, string>> = {
  61267: 'ext4',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  801189825: 'zfs',
  4076150800: 'f2fs',
  2035054128: 'overlay',
  1635083891: 'aufs',
  16914836: 'tmpfs',
  2240043254: 'ramfs',
  26985: 'nfs',
  4283649346: 'cifs',
  4266872130: 'smb2',
  20859: 'smb',
  12805120: 'ceph',
  1702057286: 'fuse',
  16914839: '9p',
  1196443219: 'gpfs',
  198183888: 'lustre',
  19780: 'vfat',
  538032816: 'exfat',
};

const NETWORK = "is a network file system, where SQLite's lock and fsync can't be relied on: use a local volume";
const WARNINGS: Readonly<Record<string, string>> = {
  overlay: "is the container's own layer: gone when the container restarts; mount a volume there",
  aufs: "is the container's own layer: gone when the container restarts; mount a volume there",
  tmpfs: 'is memory: gone when the pod or machine restarts; mount a volume on a disk',
  ramfs: 'is memory: gone when the machine restarts; mount a volume on a disk',
  nfs: NETWORK,
  cifs: NETWORK,
  smb2: NETWORK,
  smb: NETWORK,
  ceph: NETWORK,
  fuse: 'is a FUSE file system: whether fsync reaches a disk depends on what is behind it',
  '9p': 'is shared from a host (9p): whether fsync reaches a disk depends on that host',
  gpfs: NETWORK,
  lustre: NETWORK,
};

/** Of an existing path. Throws SpoolError. An emptyDir looks like the node's disk: that it goes with the pod can't be seen. */
export function volumeKind(path: string): VolumeKind {
  try {
    const kind = KINDS[statfsSync(path).type >>> 0] ?? 'unknown';
    const why = WARNINGS[kind] ?? '';
    return { kind, warning: why === '' ? '' : `spool: ${resolve(path)} ${why}` };
  } catch (error) {
    throw spoolErrorFrom(error, 'open', resolve(path));
  }
}
