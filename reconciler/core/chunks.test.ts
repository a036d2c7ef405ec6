// Chunks brought up to date against chunks made from nothing: the same bytes, at every size and across the thresholds.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson, sha256Hex } from '../../bundle/canonical.ts';
import { type ChunkEntry, chunkEntries, chunkEntry, chunkReferences, emptyChunks, updateChunks } from './chunks.ts';

function entry(n: number, port = 80): ChunkEntry {
  const hostname = `h${n}.hoge.com`;
  return { hostname, digest: sha256Hex(hostname), text: canonicalJson({ hostname, port }) };
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);
const put = (entries: ChunkEntry[]) => new Map<string, ChunkEntry | undefined>(entries.map((e) => [e.hostname, e]));
const fresh = (entries: ChunkEntry[]) => updateChunks(emptyChunks(), put(entries));
const texts = (set: ReturnType<typeof fresh>) => [...set.buckets].map(([name, { text }]) => [name, text]).sort();

test.each([
  [498, 505, 0, 1],
  [505, 498, 1, 0],
  [7998, 8003, 1, 2],
  [8003, 7998, 2, 1],
])(
  'growing or shrinking from %i to %i routes re-buckets from %i to %i digits',
  (from, to, digitsBefore, digitsAfter) => {
    const before = fresh(numbers(0, from).map((n) => entry(n)));
    const changes = put(numbers(from, to).map((n) => entry(n)));
    for (const n of numbers(to, from)) changes.set(`h${n}.hoge.com`, undefined);
    const after = updateChunks(before, changes);
    const scratch = fresh(numbers(0, to).map((n) => entry(n)));
    expect([before.digits, after.digits]).toEqual([digitsBefore, digitsAfter]);
    expect(after.count).toBe(to);
    expect(texts(after)).toEqual(texts(scratch));
    expect(chunkReferences(after)).toEqual(chunkReferences(scratch));
  },
);

test('any updates lead to the chunks of the resulting set', () => {
  const updates = fc.array(fc.tuple(fc.nat(60), fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined })));
  fc.assert(
    fc.property(fc.array(updates, { maxLength: 5 }), (batches) => {
      let set = fresh(numbers(100, 590).map((n) => entry(n)));
      const expected = new Map(numbers(100, 590).map((n) => [n, entry(n)]));
      for (const batch of batches) {
        const changes = new Map<string, ChunkEntry | undefined>();
        for (const [n, port] of batch) {
          changes.set(`h${n}.hoge.com`, port === undefined ? undefined : entry(n, port));
          if (port === undefined) expected.delete(n);
          else expected.set(n, entry(n, port));
        }
        set = updateChunks(set, changes);
      }
      const scratch = fresh([...expected.values()]);
      expect(texts(set)).toEqual(texts(scratch));
      expect(set.count).toBe(expected.size);
      for (const one of expected.values()) expect(chunkEntry(set, one.hostname)?.text).toBe(one.text);
    }),
    { numRuns: 40 },
  );
});

test('a chunk is the canonical JSON of its sorted routes, named by leading digits of the digest and by its hash', () => {
  const set = fresh(numbers(0, 600).map((n) => entry(n)));
  expect(set.buckets.size).toBe(16);
  for (const { bucket, sha256, bytes } of chunkReferences(set)) {
    const text = set.buckets.get(bucket)!.text;
    const { routes } = JSON.parse(text) as { routes: { hostname: string }[] };
    expect(canonicalJson({ routes })).toBe(text);
    expect([sha256Hex(text), Buffer.byteLength(text)]).toEqual([sha256, bytes]);
    expect(routes.map(({ hostname }) => hostname)).toEqual(routes.map(({ hostname }) => hostname).sort());
    for (const { hostname } of routes) expect(sha256Hex(hostname).startsWith(bucket)).toBe(true);
  }
});

test('one changed route writes one bucket; the others keep their identity', () => {
  const before = fresh(numbers(0, 600).map((n) => entry(n)));
  const after = updateChunks(before, put([entry(7, 81)]));
  expect([...after.buckets].filter(([name, bucket]) => before.buckets.get(name) !== bucket)).toHaveLength(1);
  expect(updateChunks(after, new Map([['unknown.hoge.com', undefined]]))).toBe(after);
});

test('empty buckets are omitted', () => {
  const one = fresh(numbers(0, 3).map((n) => entry(n)));
  const none = updateChunks(one, new Map([...chunkEntries(one)].map(({ hostname }) => [hostname, undefined])));
  expect([chunkReferences(none), none.count]).toEqual([[], 0]);
});
