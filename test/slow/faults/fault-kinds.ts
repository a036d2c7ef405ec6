// What can go wrong when a program changes the disk, and at which system calls each of it can happen.

export type FaultKind = 'KILL' | 'ENOSPC' | 'EIO' | 'EROFS';
export const FAULT_KINDS: readonly FaultKind[] = ['KILL', 'ENOSPC', 'EIO', 'EROFS'];

const WRITES = ['write', 'pwrite64', 'writev', 'pwritev', 'pwritev2', 'ftruncate', 'fallocate', 'copy_file_range'];
const SYNCS = ['fsync', 'fdatasync', 'sync_file_range'];
const NEW_NAMES = ['openat', 'open', 'creat', 'mkdir', 'mkdirat', 'link', 'linkat', 'symlink', 'symlinkat'];
const RENAMES = ['rename', 'renameat', 'renameat2'];
const REMOVALS = ['unlink', 'unlinkat', 'rmdir', 'truncate'];
const ATTRIBUTES = ['fchmod', 'chmod', 'fchmodat', 'fchown', 'chown', 'lchown', 'fchownat', 'utimensat', 'futimesat'];

/** Every system call that changes what is on a disk. Not all machines have all of them. */
export const DISK_CALLS: readonly string[] = [
  ...[...WRITES, ...SYNCS, ...NEW_NAMES, ...RENAMES, ...REMOVALS, ...ATTRIBUTES],
];

const CALLS: Record<FaultKind, readonly string[]> = {
  KILL: DISK_CALLS,
  EIO: DISK_CALLS,
  // What makes something larger, at the latest when it is synced.
  ENOSPC: [...WRITES, ...SYNCS, ...NEW_NAMES, ...RENAMES],
  EROFS: [...WRITES, ...NEW_NAMES, ...RENAMES, ...REMOVALS, ...ATTRIBUTES],
};

export function canHappen(kind: FaultKind, call: string): boolean {
  return CALLS[kind].includes(call);
}
