// The sections of kokoa.yaml that go out in waves: those that change how every edge works without a team having asked, and whether edges look at
// each other. Law: teams, zones, guards, the names of pools and which is the default, every route and every machine's file never wait; a state under settled sections
// differs from the newest one in nothing else.
import { canonicalJson, sha256Hex } from '../../../bundle/canonical.ts';
import type { Kokoa } from '../../../schemas/types.ts';
import { type Desired, emptyDesired, updateDesired } from '../desired.ts';
import type { LoadedFile } from '../files.ts';
import { settingsOf } from '../fleet.ts';

export type KokoaFile = LoadedFile<'kokoa'> & { value: Kokoa };

/** Undefined: there is no valid kokoa.yaml. */
export function kokoaOf({ kokoa }: Pick<Desired, 'kokoa'>): KokoaFile | undefined {
  return kokoa?.value && { ...kokoa, value: kokoa.value };
}

/** sha256 of what waits in `desired`: two states with the same one tell edges the same, as far as it waits. @throws KokoaError kokoa_missing */
export function wavedHash(desired: Desired, settled: Kokoa): string {
  const { defaultPool: _, pools, watched, paces, ...sections } = settingsOf(desired);
  // A pool that is new has no edges to whom anything changes.
  const old = settled.pools.map(({ name }) => {
    const pace = paces[name];
    return [name, { ...pools[name], isWatched: watched.includes(name), ...(pace && { pace }) }];
  });
  return sha256Hex(canonicalJson({ ...sections, pools: Object.fromEntries(old) }));
}

/** True when a change of kokoa.yaml has a part that goes out in waves; a file without a value has none. */
export function waits(before: LoadedFile<'kokoa'>, after: LoadedFile<'kokoa'>): boolean {
  const [settled, next] = [kokoaOf({ kokoa: before }), kokoaOf({ kokoa: after })];
  if (settled === undefined || next === undefined) return false;
  const hashOf = (kokoa: KokoaFile) => wavedHash({ ...emptyDesired(), kokoa }, settled.value);
  return hashOf(settled) !== hashOf(next);
}

/** The pools whose edges work otherwise in the one state than in the other. @throws KokoaError kokoa_missing */
export function touchedPools(a: Desired, b: Desired): 'all' | ReadonlySet<string> {
  const { pools: before, defaultPool: _, ...some } = settingsOf(a);
  const { pools: after, defaultPool: __, ...others } = settingsOf(b);
  if (canonicalJson(some) !== canonicalJson(others)) return 'all';
  const names = [...Object.keys(before), ...Object.keys(after)];
  return new Set(names.filter((name) => canonicalJson(before[name] ?? {}) !== canonicalJson(after[name] ?? {})));
}

/** `desired` as those see it who have the settled sections still. */
export function underSettled(desired: Desired, settled: Kokoa): Desired {
  const file = kokoaOf(desired);
  if (file === undefined) return desired;
  const { defaults: _, ...newest } = file.value;
  const { controlPlane, acme, network, defaults } = settled;
  const before = new Map(settled.pools.map((pool) => [pool.name, pool]));
  const pools = newest.pools.map((pool) => before.get(pool.name) ?? pool);
  const value: Kokoa = { ...newest, controlPlane, acme, network, ...(defaults && { defaults }), pools };
  return updateDesired(desired, [{ path: file.path, file: { ...file, value } }]);
}
