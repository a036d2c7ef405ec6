// A commit of the source as a Desired, reading only what differs from the one read before.
import { KokoaError } from '../bundle/error.ts';
import { type Desired, type DesiredChange, emptyDesired, updateDesired } from './core/desired.ts';
import { loadFile } from './core/load.ts';
import type { Source } from './ports/source.ts';
import type { Standing } from './standing.ts';

/** @throws KokoaError commit_missing, and what else the source throws */
export async function readCommit(
  { commit: from, newest }: Pick<Standing, 'commit' | 'newest'>,
  to: string,
  source: Pick<Source, 'changes'>,
): Promise<Desired> {
  if (from === to) return newest;
  try {
    return updateDesired(newest, await changes(from, to, source));
  } catch (error) {
    // A rewritten history was tidied away: then there is nothing to compare with, and all is read.
    if (from === undefined || !(error instanceof KokoaError && error.code === 'commit_missing')) throw error;
    return updateDesired(emptyDesired(), await changes(undefined, to, source));
  }
}

async function changes(
  from: string | undefined,
  to: string,
  source: Pick<Source, 'changes'>,
): Promise<DesiredChange[]> {
  return (await source.changes(from, to)).map(({ path, blob, bytes }) =>
    blob === undefined || bytes === undefined ? { path } : { path, file: loadFile(path, blob, bytes) },
  );
}
