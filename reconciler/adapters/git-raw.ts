// Reads git's `--raw -z` output: NUL-separated, so that no byte in a path can be mistaken for structure.

/** One changed entry. An all-zero side is an absent one. */
export interface RawChange {
  mode: string;
  oldMode: string;
  oldId: string;
  newId: string;
  path: string;
}

/** What counts as a file of the data when it is published. */
export const DATA_FILE = /^(kokoa|(routes|origins|edges)\/.*)\.ya?ml$/s;
/** Stands for a data file that is no plain file: the loader refuses an empty one. */
export const EMPTY_BLOB = 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391';

const HEADER = /^:(\d{6}) (\d{6}) ([0-9a-f]{40,64}) ([0-9a-f]{40,64}) [AMDTUX]$/;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Parses the whole output. A path that is not UTF-8 is shown with `\xNN` escapes. @throws TypeError on anything unexpected */
export function parseRaw(output: Uint8Array): RawChange[] {
  const changes: RawChange[] = [];
  let at = 0;
  while (at < output.length) {
    const header = field(output, at);
    const path = field(output, at + header.length + 1);
    at += header.length + path.length + 2;
    const match = HEADER.exec(Buffer.from(header).toString('latin1'));
    if (!match) throw new TypeError('unexpected output of git diff --raw');
    const [, oldMode, mode, oldId, newId] = match as unknown as [string, string, string, string, string];
    changes.push({ oldMode, mode, oldId, newId, path: decodePath(path) });
  }
  return changes;
}

/** True for an id that stands for "no object". */
export function isNullId(id: string): boolean {
  return /^0+$/.test(id);
}

function field(output: Uint8Array, from: number): Uint8Array {
  const end = output.indexOf(0, from);
  if (end < 0) throw new TypeError('git diff --raw ended in the middle of an entry');
  return output.subarray(from, end);
}

function decodePath(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return Buffer.from(bytes)
      .toString('latin1')
      .replace(/[^\x20-\x7e]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
  }
}
