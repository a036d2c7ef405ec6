// Whatever a power cut or a bad disk leaves of the state: nothing older than what was accepted comes back in, and newer bundles do.
import { cp, lstat, mkdtemp, readdir, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { installation, NOW_MS } from '../../bundle/installation.fixture.ts';
import { DAMAGES, harm as harmFile } from '../../test/slow/faults/harm.ts';
import { trustedDir } from './trusted-dir.ts';

const made = installation();
made.rotate(['targets']);
const NODE = 'tokyo-1';
const older = made.sign({ version: NOW_MS - 5, hostnames: ['old.hoge.com'] });
const good = made.sign({ version: NOW_MS, hostnames: ['good.hoge.com', 'shared.hoge.com'] });
const newest = made.sign({ version: NOW_MS + 5, hostnames: ['new.hoge.com', 'shared.hoge.com'] });
const later = made.sign({ version: NOW_MS + 9, hostnames: ['later.hoge.com', 'shared.hoge.com'] });

let parent: string;
let template: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'kokoa-damage-'));
  template = join(parent, 'template');
  const state = open(template);
  await state.accept(older.response(), NOW_MS);
  await state.accept(good.response(1), NOW_MS);
  await state.markGood(good.signed.configHash);
  await state.accept(newest.response(1), NOW_MS);
});
afterEach(() => rm(parent, { recursive: true, force: true }));

const open = (directory: string) => trustedDir({ directory, node: NODE, fingerprint: made.fingerprint });

/** What the agent does: asks with what it holds, and is answered all that it lacks. */
async function offer(directory: string, bundle: typeof later): Promise<string> {
  const state = open(directory);
  const answer = await state.accept(bundle.response(await state.rootVersion()), NOW_MS);
  return answer.kind === 'accepted' ? 'accepted' : answer.code;
}

async function filesOf(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}

type Damage = { kind: 'truncate'; to: number } | { kind: 'random'; bytes: Uint8Array } | { kind: 'remove' };

const damages: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ kind: fc.constant('truncate' as const), to: fc.nat(2_000) }),
  fc.record({ kind: fc.constant('random' as const), bytes: fc.uint8Array({ maxLength: 64 }) }),
  fc.record({ kind: fc.constant('remove' as const) }),
);

async function harm(path: string, damage: Damage): Promise<void> {
  if (damage.kind === 'remove') return unlink(path);
  if (damage.kind === 'random') return writeFile(path, damage.bytes);
  return truncate(path, Math.min(damage.to, (await lstat(path)).size));
}

async function expectSafe(directory: string): Promise<void> {
  expect(await offer(directory, older)).toBe('rollback');
  expect(await offer(directory, good)).toBe('rollback');
  const kept = [await open(directory).accepted(), await open(directory).lastKnownGood()];
  expect([newest.signed.configHash, undefined]).toContain(kept[0]?.configHash);
  expect([good.signed.configHash, undefined]).toContain(kept[1]?.configHash);
  expect(await offer(directory, later)).toBe('accepted');
  expect((await open(directory).accepted())?.configHash).toBe(later.signed.configHash);
  await open(directory).markGood(later.signed.configHash);
  expect((await open(directory).lastKnownGood())?.configHash).toBe(later.signed.configHash);
}

describe('a damaged state lets nothing older in and newer bundles always', () => {
  test('every file, emptied by itself', async () => {
    for (const [index, file] of (await filesOf(template)).entries()) {
      const directory = join(parent, `single-${index}`);
      await cp(template, directory, { recursive: true, verbatimSymlinks: true });
      await harm(join(directory, file), { kind: 'truncate', to: 0 });
      await expectSafe(directory);
    }
  });

  test('any files together, cut at any length or overwritten or removed', async () => {
    const files = await filesOf(template);
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.constantFrom(...files), { minLength: 1 }),
        fc.array(damages, { minLength: 1, maxLength: files.length }),
        async (chosen, harms) => {
          const directory = join(parent, `run-${run++}`);
          await cp(template, directory, { recursive: true, verbatimSymlinks: true });
          for (const [i, file] of chosen.entries()) await harm(join(directory, file), harms[i % harms.length]!);
          await expectSafe(directory);
        },
      ),
      { numRuns: 12 },
    );
  });

  test('every file at once, emptied', async () => {
    for (const file of await filesOf(template)) await truncate(join(template, file), 0);
    await expectSafe(template);
  });

  test.each(DAMAGES)('every file at once: %s in its place', async (damage) => {
    for (const file of await filesOf(template)) await harmFile(join(template, file), damage);
    await expectSafe(template);
  });

  test.each(['bundles', 'chunks'])('a file in the place of the folder %s', async (name) => {
    await rm(join(template, name), { recursive: true });
    await writeFile(join(template, name), 'not a folder');
    await expectSafe(template);
  });

  test.each([['trusted'], ['lkg'], ['floor'], ['bundles'], ['chunks']])('%s is gone', async (name) => {
    await rm(join(template, name), { recursive: true, force: true });
    await expectSafe(template);
  });

  test('a directory stands where a link belongs', async () => {
    await rm(join(template, 'trusted'));
    await cp(join(template, 'bundles'), join(template, 'trusted'), { recursive: true });
    await expectSafe(template);
  });

  test('what a killed write left behind is cleared', async () => {
    const leftover = join(template, 'bundles', '.scratch-left');
    await cp(join(template, 'chunks'), leftover, { recursive: true });
    expect(await offer(template, later)).toBe('accepted');
    const names = await readdir(join(template, 'bundles'));
    expect(names.filter((name) => name.startsWith('.'))).toEqual([]);
    expect(names).toHaveLength(2);
  });

  test('a floor is kept by name when it is torn with everything else, for this node and root only', async () => {
    for (const file of await filesOf(template)) await writeFile(join(template, file), 'torn');
    expect(await offer(template, good)).toBe('rollback');
    const renamed = trustedDir({ directory: template, node: 'osaka-1', fingerprint: made.fingerprint });
    const bundle = made.sign({ node: 'osaka-1', version: 7 });
    expect(await renamed.accept(bundle.response(), NOW_MS)).toMatchObject({ kind: 'accepted' });
  });
});

describe('a far-future version by a thief of the online keys', () => {
  test('is shaken off by a root that replaces all three keys, and not by less', async () => {
    const here = installation();
    const state = trustedDir({ directory: template, node: NODE, fingerprint: here.fingerprint });
    await state.accept(here.sign().response(), NOW_MS);
    const theft = here.sign({ version: NOW_MS * 1000, hostnames: ['thief.hoge.com'] });
    expect(await state.accept(theft.response(1), NOW_MS)).toMatchObject({ kind: 'accepted' });
    expect(await state.accept(here.sign({ version: NOW_MS + 1 }).response(1), NOW_MS)).toMatchObject({
      code: 'rollback',
    });

    const thiefs = here.keys;
    here.rotate(['snapshot', 'targets']);
    expect(await state.accept(here.sign({ version: NOW_MS + 2 }).response(1), NOW_MS)).toMatchObject({
      code: 'rollback',
    });
    here.rotate();
    const rescued = here.sign({ version: NOW_MS + 3, hostnames: ['rescued.hoge.com'] });
    expect(await state.accept(rescued.response(1), NOW_MS)).toMatchObject({ kind: 'accepted' });
    expect(await state.rootVersion()).toBe(3);

    here.keys = thiefs;
    const again = here.sign({ version: NOW_MS * 1000 + 1 });
    expect(await state.accept(again.response(3), NOW_MS)).toMatchObject({ code: 'foreign_root' });
    expect((await state.accepted())?.configHash).toBe(rescued.signed.configHash);
  });

  test('does not come back with the old root when the trusted state is lost', async () => {
    const here = installation();
    const state = trustedDir({ directory: template, node: NODE, fingerprint: here.fingerprint });
    const theft = here.sign({ version: NOW_MS * 1000 }).response();
    await state.accept(theft, NOW_MS);
    here.rotate();
    await state.accept(here.sign({ version: NOW_MS }).response(1), NOW_MS);
    await rm(join(template, 'trusted'));
    expect(await state.rootVersion()).toBe(0);
    expect(await state.accept(theft, NOW_MS)).toMatchObject({ code: 'rollback' });
    expect(await state.accept(here.sign({ version: NOW_MS + 1 }).response(0), NOW_MS)).toMatchObject({
      kind: 'accepted',
    });
  });

  test('more roots than one response brings are followed over two', async () => {
    const here = installation();
    for (let n = 1; n < 20; n += 1) here.rotate();
    const state = trustedDir({ directory: template, node: NODE, fingerprint: here.fingerprint });
    const bundle = here.sign();
    const whole = bundle.response(0);
    const first = Object.entries(whole.files).filter(([name]) => !/^(1[7-9]|20)\.root/.test(name));
    expect(await state.accept({ ...whole, files: Object.fromEntries(first) }, NOW_MS)).toMatchObject({
      kind: 'refused',
    });
    expect(await state.rootVersion()).toBe(16);
    expect(await state.accept(bundle.response(16), NOW_MS)).toMatchObject({ kind: 'accepted' });
    expect(await open(template).rootVersion()).toBe(0);
    expect(await state.rootVersion()).toBe(20);
  });
});
