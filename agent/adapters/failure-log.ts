// The web server's error log, read as it grows. Laws: however much strangers make it grow, so much is read at a time; only whole lines, because what a
// visitor wrote in the middle of one must not look like one; a log that was cut is read from its beginning.
import { open } from 'node:fs/promises';
import type { FailureLog } from '../ports/failure-log.ts';

const BYTES_MAX = 256 * 1024;

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
        const begin = before <= size ? before : 0;
        const from = Math.max(begin, size - BYTES_MAX);
        const buffer = Buffer.alloc(size - from);
        const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
        const text = buffer.toString('latin1', 0, bytesRead);
        const end = text.lastIndexOf('\n') + 1;
        readTo = from + end;
        return text.slice(from > begin ? text.indexOf('\n') + 1 : 0, end);
      } catch {
        return '';
      } finally {
        await file.close().catch(() => undefined);
      }
    },
  };
}
