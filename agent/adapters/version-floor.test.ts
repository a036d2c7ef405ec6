// The floor survives as a checksummed file and as a name, and only what is whole counts.
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  checkFloors,
  type Floor,
  floorFromName,
  floorName,
  isBelow,
  readFloor,
  scopeOf,
  writeFloor,
} from './version-floor.ts';

const floor: Floor = {
  scope: scopeOf('a', 'f'),
  epoch: 2,
  root: 3,
  timestamp: 1_900_000_000_100,
  documents: 1_900_000_000_000,
};

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kokoa-floor-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('it reads back from its file, and not after any cut or change', async () => {
  await writeFloor(directory, floor);
  const path = join(directory, 'floor');
  const whole = await readFile(path);
  expect(await readFloor(directory)).toEqual(floor);
  for (let length = 0; length < whole.length - 1; length += 1) {
    await writeFile(path, whole);
    await truncate(path, length);
    expect(await readFloor(directory)).toBeUndefined();
  }
  for (let at = 0; at < whole.length - 1; at += 1) {
    const copy = Buffer.from(whole);
    copy[at] = copy[at]! ^ 1;
    await writeFile(path, copy);
    expect(await readFloor(directory)).toBeUndefined();
  }
});

test('it reads back from a name, and from no other name', () => {
  expect(floorFromName(`${floorName(floor)}.0123456789abcdef-00112233`)).toEqual(floor);
  expect(['', 'x', '.scratch-x', floorName(floor), `x${floorName(floor)}.`].map(floorFromName)).toEqual(
    Array(5).fill(undefined),
  );
});

test.each<[string, Partial<Floor>, boolean]>([
  ['the same', {}, false],
  ['newer', { timestamp: floor.timestamp + 1 }, false],
  ['an older timestamp', { timestamp: floor.timestamp - 1 }, true],
  ['older documents', { documents: floor.documents - 1 }, true],
  ['an older root', { root: 2 }, true],
  [
    'an older epoch with newer versions',
    { epoch: 1, timestamp: floor.timestamp * 2, documents: floor.documents * 2 },
    true,
  ],
  ['a newer epoch with older versions', { epoch: 4, root: 4, timestamp: 1, documents: 1 }, false],
  ['a newer epoch with an older root', { epoch: 4, root: 2 }, true],
  ['anything of another node', { scope: scopeOf('b', 'f'), epoch: 1, root: 1, timestamp: 1, documents: 1 }, false],
])('%s is judged against it', (_title, change, below) => {
  const candidate = { ...floor, ...change };
  expect(isBelow(candidate, floor)).toBe(below);
  expect(checkFloors(candidate, [undefined, floor])?.code).toBe(below ? 'rollback' : undefined);
});

test('nothing is below itself, and of two in one epoch at most one is below', () => {
  const numbers = fc.nat(5);
  const any = fc.record({
    scope: fc.constant('s'),
    epoch: numbers,
    root: numbers,
    timestamp: numbers,
    documents: numbers,
  });
  fc.assert(
    fc.property(any, any, (a, b) => {
      expect(isBelow(a, a)).toBe(false);
      if (a.epoch > b.epoch && a.root >= b.root) expect([isBelow(a, b), isBelow(b, a)]).toEqual([false, true]);
    }),
  );
});
