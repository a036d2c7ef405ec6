// The web server's error log, read as it grows. Law: however much strangers make it grow, so much is read at a time; a log that was cut is read
// from its beginning.
import { open } from 'node:fs/promises';
import type { FailureLog } from '../ports/failure-log.ts';

const BYTES_MAX = 64 * 1024;

export function createFailureLog(path: string): FailureLog {
  let readTo: number | undefined;
  return {
    async read() {
      const file = await open(path, 'r').catch(() => undefined);
      if (file === undefined) {
        readTo = 0;
        return '';
      }
      try {
        const { size } = await file.stat();
        const before = readTo ?? size;
        const from = Math.max(before <= size ? before : 0, size - BYTES_MAX);
        readTo = size;
        const buffer = Buffer.alloc(size - from);
        const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
        return buffer.toString('latin1', 0, bytesRead);
      } catch {
        return '';
      } finally {
        await file.close().catch(() => undefined);
      }
    },
  };
}
