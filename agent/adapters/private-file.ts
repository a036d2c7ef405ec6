// New files whose content only the agent and one group may read: the mode holds before the first byte, the disk before they count.
import { open } from 'node:fs/promises';

export interface Ownership {
  /** Permission bits of the file. */
  mode: number;
  /** Group that may read; needs root. Absent: the process's own. */
  gid?: number;
}

/** Writes a new file and waits for the disk. @throws system errors; the file must not exist */
export async function createPrivateFile(path: string, text: string, { mode, gid }: Ownership): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    if (gid !== undefined) await file.chown(process.getuid?.() ?? 0, gid);
    // The umask may have taken bits away.
    await file.chmod(mode);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A new or renamed entry is on disk only when its folder is. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
