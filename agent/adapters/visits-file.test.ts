import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KeptVisit } from '../ports/visits-store.ts';
import { createVisitsFile } from './visits-file.ts';

const SINCE = '2030-01-01T00:00:00.000Z';
const KEPT: KeptVisit[] = [
  { hostname: 'a.test', route: 'a'.repeat(64), answer: { hostname: 'a.test', status: 200, since: SINCE } },
  {
    hostname: 'b.test',
    route: 'b'.repeat(64),
    answer: { hostname: 'b.test', failure: 'timeout: no answer', since: SINCE },
  },
  { hostname: 'c.test', route: 'c'.repeat(64) },
];

let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kokoa-visits-'));
  path = join(dir, 'answers.json');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('what is remembered of visits', () => {
  it('is read as it was written, in a file that others cannot read', async () => {
    await createVisitsFile(path).write(KEPT);
    expect(await createVisitsFile(path).read()).toEqual(KEPT);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(dir)).toEqual(['answers.json']);
  });

  it('is nothing before the first time', async () => {
    expect(await createVisitsFile(path).read()).toEqual([]);
  });

  const [first] = KEPT;
  it.each<[string, string]>([
    ['is torn', JSON.stringify(KEPT).slice(0, 50)],
    ['is no list', '{"a":1}'],
    ['is empty', ''],
    ['is too large', JSON.stringify(KEPT) + ' '.repeat(200_000)],
    ['is too long', JSON.stringify(Array(101).fill(first))],
    ['names no hostname', JSON.stringify([{ ...first, hostname: '../x' }])],
    ['holds an answer of another host', JSON.stringify([{ ...first, hostname: 'z.test' }])],
    ['holds an answer that is none', JSON.stringify([{ ...first, answer: { hostname: 'a.test', since: SINCE } }])],
    [
      'holds a failure with control characters',
      JSON.stringify([{ ...KEPT[1], answer: { ...KEPT[1]!.answer, failure: '\u001b[31m' } }]),
    ],
    ['holds more than it should', JSON.stringify([{ ...first, more: 1 }])],
  ])('is nothing when the file %s', async (_, text) => {
    await writeFile(path, text);
    expect(await createVisitsFile(path).read()).toEqual([]);
  });

  it('that cannot be written says why', async () => {
    await expect(createVisitsFile(join(dir, 'missing', 'answers.json')).write(KEPT)).rejects.toMatchObject({
      code: 'state_unwritable',
    });
  });
});
