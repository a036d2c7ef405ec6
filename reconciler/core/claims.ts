// Indexes of files, and counts of what files name, as persistent maps of persistent maps. Changes of one update are collected first,
// so that each key is rewritten once; a key without files or with a count of zero is absent.
import type { Kind, LoadedFile } from './files.ts';
import { emptyMap, entriesOf, lookup, type PersistentMap, updateMap } from './persistent-map.ts';

/** Files under one key, by path. */
export type Claims<K extends Kind> = PersistentMap<LoadedFile<K>>;

/** Group → key → how often it is named. */
export type Counts = PersistentMap<PersistentMap<number>>;

/** The one file under a key; of several (a state the rules refuse) always the same one, the first path by code unit. */
export function claimOf<K extends Kind>(index: PersistentMap<Claims<K>>, key: string): LoadedFile<K> | undefined {
  let first: LoadedFile<K> | undefined;
  for (const [path, file] of entriesOf(lookup(index, key))) if (!first || path < first.path) first = file;
  return first;
}

export class ClaimChanges<K extends Kind> {
  readonly #byKey = new Map<string, Map<string, LoadedFile<K> | undefined>>();

  /** The last word on a key and path counts; undefined: the file does not name it any more. */
  note(key: string, path: string, file: LoadedFile<K> | undefined): void {
    const claims = this.#byKey.get(key) ?? new Map<string, LoadedFile<K> | undefined>();
    this.#byKey.set(key, claims.set(path, file));
  }

  apply(index: PersistentMap<Claims<K>>): PersistentMap<Claims<K>> {
    return updateMap(
      index,
      [...this.#byKey].map(([key, claims]) => [key, orAbsent(updateMap(lookup(index, key) ?? emptyMap(), claims))]),
    );
  }
}

/** `ClaimChanges`, one level deeper. */
export class GroupedClaimChanges<K extends Kind> {
  readonly #byGroup = new Map<string, ClaimChanges<K>>();

  note(group: string, key: string, path: string, file: LoadedFile<K> | undefined): void {
    const changes = this.#byGroup.get(group) ?? new ClaimChanges<K>();
    this.#byGroup.set(group, changes);
    changes.note(key, path, file);
  }

  apply(index: PersistentMap<PersistentMap<Claims<K>>>): PersistentMap<PersistentMap<Claims<K>>> {
    return updateMap(
      index,
      [...this.#byGroup].map(([group, changes]) => [
        group,
        orAbsent(changes.apply(lookup(index, group) ?? emptyMap())),
      ]),
    );
  }
}

export class CountChanges {
  readonly #byGroup = new Map<string, Map<string, number>>();

  add(group: string, key: string, by: number): void {
    const counts = this.#byGroup.get(group) ?? new Map<string, number>();
    this.#byGroup.set(group, counts.set(key, (counts.get(key) ?? 0) + by));
  }

  apply(index: Counts): Counts {
    return updateMap(
      index,
      [...this.#byGroup].map(([group, counts]) => {
        const before = lookup(index, group) ?? emptyMap<number>();
        const after = [...counts].map(([key, by]) => [key, (lookup(before, key) ?? 0) + by || undefined] as const);
        return [group, orAbsent(updateMap(before, after))] as const;
      }),
    );
  }
}

function orAbsent<V>(map: PersistentMap<V>): PersistentMap<V> | undefined {
  return map.size === 0 ? undefined : map;
}
