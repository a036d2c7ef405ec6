// A rollout after a restart: how far it was stands in the store, what its settled settings are in git. Law: nothing of the store is believed that
// git does not have; of a rollout that was lost, a next run begins it anew.
import type { Compiled } from './core/compile.ts';
import { KOKOA_FILE } from './core/paths.ts';
import { compileBehind } from './core/rollout/behind.ts';
import { offeredOf } from './core/rollout/offered.ts';
import { loadAccepted } from './core/rollout/older-rules.ts';
import type { Rollout } from './core/rollout/rollout.ts';
import { isLost } from './core/rollout/stored-rollout.ts';
import { type KokoaFile, kokoaOf, underSettled } from './core/rollout/waved-settings.ts';
import { isToldToAll, likelySettled } from './lost-rollout.ts';
import { ANCESTORS_MAX } from './older-versions.ts';
import type { Source } from './ports/source.ts';
import type { RollOutInput } from './roll-out.ts';
import type { Standing } from './standing.ts';

/**
 * The rollout that was kept with `commit`, and what everybody is told under it. Without `compiled` it is only remembered, for the first run
 * that can compile. @throws what the source throws
 */
export async function recallRollout(
  state: Rollout | undefined,
  all: Pick<Standing, 'live' | 'nodes'> & { compiled: Compiled | undefined; commit: string },
  source: Pick<Source, 'history'>,
  build: RollOutInput['build'],
): Promise<Pick<Standing, 'rolling' | 'offered'>> {
  const { live, compiled, commit } = all;
  if (state === undefined) return { rolling: undefined, offered: compiled };
  const older = olderSettings(commit, source);
  const stored = () => firstOf(older, ({ blob }) => blob === state.settledBlob);
  if (compiled === undefined)
    return { rolling: { state, settled: await stored(), behind: undefined }, offered: undefined };
  const known = { ...all, compiled };
  if (isLost(state) && isToldToAll(known)) return { rolling: undefined, offered: compiled };
  const settled = isLost(state) ? await likelySettled(older, known, build) : await stored();
  const made = settled && compileBehind(underSettled(live, settled.value), compiled, build);
  const behind = made?.kind === 'compiled' ? made.compiled : undefined;
  return { rolling: { state, settled, behind }, offered: offeredOf(compiled, state, behind) };
}

/**
 * Every kokoa.yaml that the branch had before `commit`, newest first, as far as it is valid, or was before the rules became stricter. No other
 * content of the repository counts: whoever can write to the store could name a text that a team put there.
 */
async function* olderSettings(commit: string, source: Pick<Source, 'history'>): AsyncGenerator<KokoaFile> {
  for await (const { blob, bytes } of source.history(KOKOA_FILE, commit, ANCESTORS_MAX)) {
    if (blob === undefined || bytes === undefined) continue;
    const file = loadAccepted(KOKOA_FILE, blob, bytes);
    const kokoa = file.kind === 'kokoa' ? kokoaOf({ kokoa: file }) : undefined;
    if (kokoa !== undefined) yield kokoa;
  }
}

async function firstOf<T>(all: AsyncIterable<T>, is: (one: T) => boolean): Promise<T | undefined> {
  for await (const one of all) if (is(one)) return one;
  return undefined;
}
