// Older versions of a route file, each read from git once: a broken file stays broken for many runs, and walking its history costs
// more than the rest of a run.
import type { AnyLoadedFile } from './core/files.ts';
import { loadFile } from './core/load.ts';
import type { Source } from './ports/source.ts';

/** How far back an older version is looked for. */
export const ANCESTORS_MAX = 100;

/** By the newest version of the file: it ends when that does. */
export type OlderVersions = WeakMap<AnyLoadedFile, Walk>;

interface Walk {
  /** Newest first, as far as somebody asked. */
  read: AnyLoadedFile[];
  rest: AsyncIterator<{ path: string; blob: string | undefined; bytes?: Uint8Array }>;
}

/** The versions before `newest`, which is the file's version at `commit`, newest first. @throws what the source throws */
export async function* olderVersions(
  newest: AnyLoadedFile,
  commit: string,
  source: Pick<Source, 'history'>,
  known: OlderVersions,
): AsyncGenerator<AnyLoadedFile> {
  const walk = known.get(newest) ?? {
    read: [],
    rest: source.history(newest.path, commit, ANCESTORS_MAX)[Symbol.asyncIterator](),
  };
  known.set(newest, walk);
  for (let at = 0; ; at += 1) {
    if (at === walk.read.length && !(await goOn(walk, newest, known))) return;
    yield walk.read[at]!;
  }
}

/** Reads one more; false at the end. A walk that failed is begun anew next time. */
async function goOn(walk: Walk, newest: AnyLoadedFile, known: OlderVersions): Promise<boolean> {
  try {
    const { done, value } = await walk.rest.next();
    if (done || value.blob === undefined || value.bytes === undefined) return false;
    walk.read.push(loadFile(newest.path, value.blob, value.bytes));
    return true;
  } catch (error) {
    known.delete(newest);
    throw error;
  }
}
