// Reads git's `ls-tree -z --long` output: NUL-separated, so that no byte in a path can be mistaken for structure.

export interface TreeEntry {
  mode: string;
  type: string;
  id: string;
  /** Bytes; 0 for what is no blob; undefined: the clone lacks the object. */
  size: number | undefined;
  path: string;
}

const HEADER = /^(\d{6}) (blob|tree|commit) ([0-9a-f]{40,64}) +(\d+|-|BAD)$/;

/** Parses the whole output. Bytes of a path that are no UTF-8 become U+FFFD. @throws TypeError on anything unexpected */
export function parseTree(output: Buffer): TreeEntry[] {
  const entries: TreeEntry[] = [];
  for (let at = 0; at < output.length; ) {
    const tab = output.indexOf(9, at);
    const end = output.indexOf(0, tab);
    const match = HEADER.exec(output.toString('latin1', at, Math.max(at, tab)));
    if (tab < 0 || end < 0 || !match) throw new TypeError('unexpected output of git ls-tree');
    const [, mode, type, id, size] = match as unknown as [string, string, string, string, string];
    const path = output.toString('utf8', tab + 1, end);
    entries.push({ mode, type, id, size: size === 'BAD' ? undefined : size === '-' ? 0 : Number(size), path });
    at = end + 1;
  }
  return entries;
}

/** As a folder is read: by name, and what is in a folder directly after its name. */
export function inFolderOrder(a: TreeEntry, b: TreeEntry): number {
  const [left, right] = [a.path.replaceAll('/', '\0'), b.path.replaceAll('/', '\0')];
  return left === right ? 0 : left < right ? -1 : 1;
}
