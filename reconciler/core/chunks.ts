// A pool's routes as content-addressed chunks. Law: the chunks are a function of the set of routes alone; which updates led
// there only decides how much is serialised again (the touched buckets).
import { sha256Hex } from '../../bundle/canonical.ts';
import type { ChunkReference } from '../../bundle/config.ts';

/** Routes up to which a bucket is chosen by 0 or 4 leading bits of sha256(hostname); 8 bits above. */
export const ROUTES_IN_ONE_BUCKET_MAX = 500;
export const ROUTES_IN_16_BUCKETS_MAX = 8000;

/** What a chunk is made of; `text` is the canonical JSON of the packed route. */
export interface ChunkEntry {
  hostname: string;
  /** Hex sha256 of the hostname. */
  digest: string;
  text: string;
}

export interface Bucket<E> {
  /** Sorted by hostname, by code unit. */
  entries: readonly E[];
  text: string;
  /** Frozen, so that its canonical text is made once, for all configs that list it. */
  reference: ChunkReference;
}

export interface ChunkSet<E extends ChunkEntry> {
  readonly count: number;
  /** Hex digits of the digest that name a bucket. */
  readonly digits: number;
  readonly buckets: ReadonlyMap<string, Bucket<E>>;
}

export function emptyChunks<E extends ChunkEntry>(): ChunkSet<E> {
  return { count: 0, digits: 0, buckets: new Map() };
}

/** A new set with entries put, or removed where undefined, by hostname. `set` itself when it does not change. */
export function updateChunks<E extends ChunkEntry>(
  set: ChunkSet<E>,
  changes: ReadonlyMap<string, E | undefined>,
): ChunkSet<E> {
  const count = set.count + growth(set, changes);
  const digits = count <= ROUTES_IN_ONE_BUCKET_MAX ? 0 : count <= ROUTES_IN_16_BUCKETS_MAX ? 1 : 2;
  if (digits !== set.digits) {
    const all = new Map<string, E | undefined>([...chunkEntries(set)].map((entry) => [entry.hostname, entry]));
    for (const [hostname, entry] of changes) all.set(hostname, entry);
    return { count, digits, buckets: updateBuckets(new Map(), digits, all) };
  }
  const buckets = updateBuckets(set.buckets, digits, changes);
  return buckets === set.buckets ? set : { count, digits, buckets };
}

export function chunkEntry<E extends ChunkEntry>(set: ChunkSet<E> | undefined, hostname: string): E | undefined {
  if (set === undefined || set.count === 0) return undefined;
  return entryIn(set.buckets.get(sha256Hex(hostname).slice(0, set.digits)), hostname);
}

export function* chunkEntries<E extends ChunkEntry>(set: ChunkSet<E> | undefined): Generator<E> {
  for (const bucket of set?.buckets.values() ?? []) yield* bucket.entries;
}

/** As `config.json` lists them: sorted by bucket, empty ones omitted. */
export function chunkReferences(set: ChunkSet<ChunkEntry> | undefined): ChunkReference[] {
  return [...(set?.buckets.values() ?? [])]
    .map(({ reference }) => reference)
    .sort((a, b) => (a.bucket < b.bucket ? -1 : 1));
}

function growth<E extends ChunkEntry>(set: ChunkSet<E>, changes: ReadonlyMap<string, E | undefined>): number {
  let by = 0;
  for (const [hostname, entry] of changes) {
    by += (entry === undefined ? 0 : 1) - (chunkEntry(set, hostname) === undefined ? 0 : 1);
  }
  return by;
}

function updateBuckets<E extends ChunkEntry>(
  buckets: ReadonlyMap<string, Bucket<E>>,
  digits: number,
  changes: ReadonlyMap<string, E | undefined>,
): ReadonlyMap<string, Bucket<E>> {
  const byBucket = new Map<string, Map<string, E | undefined>>();
  for (const [hostname, entry] of changes) {
    const name = (entry?.digest ?? sha256Hex(hostname)).slice(0, digits);
    const inBucket = byBucket.get(name);
    if (inBucket) inBucket.set(hostname, entry);
    else byBucket.set(name, new Map([[hostname, entry]]));
  }
  const next = new Map(buckets);
  let same = true;
  for (const [name, inBucket] of byBucket) {
    const before = buckets.get(name);
    const after = updateBucket(name, before, inBucket);
    if (after === before) continue;
    same = false;
    if (after === undefined) next.delete(name);
    else next.set(name, after);
  }
  return same ? buckets : next;
}

function updateBucket<E extends ChunkEntry>(
  name: string,
  bucket: Bucket<E> | undefined,
  changes: ReadonlyMap<string, E | undefined>,
): Bucket<E> | undefined {
  const kept = (bucket?.entries ?? []).filter((entry) => !changes.has(entry.hostname));
  const put = [...changes.values()].filter((entry) => entry !== undefined);
  if (put.length === 0 && kept.length === bucket?.entries.length) return bucket;
  const entries = [...kept, ...put].sort((a, b) => (a.hostname < b.hostname ? -1 : 1));
  if (entries.length === 0) return undefined;
  const text = `{"routes":[${entries.map((entry) => entry.text).join(',')}]}`;
  const reference = Object.freeze({ bucket: name, sha256: sha256Hex(text), bytes: Buffer.byteLength(text) });
  return { entries, text, reference };
}

/** Binary search by hostname. */
function entryIn<E extends ChunkEntry>(bucket: Bucket<E> | undefined, hostname: string): E | undefined {
  const entries = bucket?.entries ?? [];
  let [from, to] = [0, entries.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (entries[middle]!.hostname < hostname) from = middle + 1;
    else to = middle;
  }
  return entries[from]?.hostname === hostname ? entries[from] : undefined;
}
