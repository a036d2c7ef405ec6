// A rollout after a restart: how far it was stands in the store, what its settled settings are in git. Law: nothing of the store is believed that
// git does not have; of a rollout that was lost, a next run begins it anew.
import type { Compiled } from './core/compile.ts';
import { loadFile } from './core/load.ts';
import { KOKOA_FILE } from './core/paths.ts';
import { misfit } from './core/rollout/misfit.ts';
import { offeredOf } from './core/rollout/offered.ts';
import type { Rollout } from './core/rollout/rollout.ts';
import { isLost } from './core/rollout/stored-rollout.ts';
import { type KokoaFile, kokoaOf, underSettled } from './core/rollout/waved-settings.ts';
import { isToldToAll, likelySettled } from './lost-rollout.ts';
import { ANCESTORS_MAX } from './older-versions.ts';
import type { Source } from './ports/source.ts';
import type { RollOutInput } from './roll-out.ts';
import type { Standing } from './standing.ts';

/** The rollout that was kept with `commit`, and what everybody is told under it. @throws what the source throws */
export async function recallRollout(
  state: Rollout | undefined,
  known: Pick<Standing, 'live' | 'nodes'> & { compiled: Compiled; commit: string },
  source: Pick<Source, 'history'>,
  build: RollOutInput['build'],
): Promise<Pick<Standing, 'rolling' | 'offered'>> {
  const { live, compiled, commit } = known;
  const isOver = state === undefined || (isLost(state) && isToldToAll(known));
  if (isOver) return { rolling: undefined, offered: compiled };
  const older = olderSettings(commit, source);
  const settled = isLost(state)
    ? await likelySettled(older, known, build)
    : await firstOf(older, ({ blob }) => blob === state.settledBlob);
  const mixed = settled && underSettled(live, settled.value);
  const behind = mixed && misfit(mixed) === undefined ? build(mixed, compiled) : undefined;
  return { rolling: { state, settled, behind }, offered: offeredOf(compiled, state, behind) };
}

/**
 * Every valid kokoa.yaml that the branch had before `commit`, newest first. No other content of the repository counts: whoever can write to
 * the store could name a text that a team put there.
 */
async function* olderSettings(commit: string, source: Pick<Source, 'history'>): AsyncGenerator<KokoaFile> {
  for await (const { blob, bytes } of source.history(KOKOA_FILE, commit, ANCESTORS_MAX)) {
    if (blob === undefined || bytes === undefined) continue;
    const file = loadFile(KOKOA_FILE, blob, bytes);
    const kokoa = file.kind === 'kokoa' ? kokoaOf({ kokoa: file }) : undefined;
    if (kokoa !== undefined) yield kokoa;
  }
}

async function firstOf<T>(all: AsyncIterable<T>, is: (one: T) => boolean): Promise<T | undefined> {
  for await (const one of all) if (is(one)) return one;
  return undefined;
}
