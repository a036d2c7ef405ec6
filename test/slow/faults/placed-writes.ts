// Loaded before a swept program (`node --import`): files are written by pwrite(2), each part at its place. The thread of the pool wakes the event
// loop by write(2), as often as chance has it, and nobody could say which of them is which. What is written, and when it is synced, stays.
import fs from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

/** As node does it. */
const PART_BYTES_MAX = 512 * 1024;

const probe = await open('/dev/null');
const handles = Object.getPrototypeOf(probe) as { writeFile: FileHandle['writeFile'] };
await probe.close();

handles.writeFile = async function (this: FileHandle, data: unknown) {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  if (!(bytes instanceof Uint8Array)) throw new TypeError('found a stream, expected text or bytes');
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await this.write(bytes, at, Math.min(PART_BYTES_MAX, bytes.length - at), at);
    at += bytesWritten;
  }
};

fs.promises.writeFile = async (path, data, options) => {
  const { flag = 'w', mode = 0o666 } = typeof options === 'object' ? (options ?? {}) : {};
  if (typeof path !== 'string') throw new TypeError('found no path');
  const handle = await open(path, flag, mode);
  try {
    await handle.writeFile(data as string);
  } finally {
    await handle.close();
  }
};
syncBuiltinESMExports();
