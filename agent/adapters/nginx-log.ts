// The web server's error log, which strangers can fill. Law: it stays short without a signal to nginx, which appends (O_APPEND),
// so the file can be emptied under it.
import { open, rename, stat, truncate, writeFile } from 'node:fs/promises';

/** A larger log is cut. */
export const LOG_BYTES_MAX = 8 * 1024 * 1024;
/** What is kept of it, in `LOG.1`. */
const KEPT_BYTES = 1024 * 1024;

/** Cuts the log when it is too large. A file that is not there is short enough. */
export async function trimLog(path: string, bytesMax = LOG_BYTES_MAX): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (!found || found.size <= bytesMax) return;
  const tail = await readTail(path, KEPT_BYTES);
  await writeFile(`${path}.new`, tail, { mode: 0o600 });
  await rename(`${path}.new`, `${path}.1`);
  await truncate(path, 0);
}

/** The last `bytes` of a log as printable text; empty when there is none. */
export async function logTail(path: string, bytes: number): Promise<string> {
  const tail = await readTail(path, bytes).catch(() => Buffer.alloc(0));
  return tail
    .toString('utf8')
    .replace(/[^\x20-\x7e\n]/g, '?')
    .trim();
}

async function readTail(path: string, bytes: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const length = Math.min(size, bytes);
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await file.read(buffer, 0, length, size - length);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
