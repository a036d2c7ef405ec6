// Key sets are made once, kept private, and load only when they fit together.
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isRefusal } from '../../bundle/refusal.ts';
import { readRoot, rootFingerprint } from '../../bundle/root.ts';
import { verifyRootChain } from '../../bundle/root-chain.ts';
import { createDevelopmentKeys, createProductionKeys, loadKeys, rotateKeys } from './key-files.ts';

const NOW = new Date(Date.UTC(2030, 0, 1));
let parent: string;
let dir: string;
let rootDir: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'kokoa-keys-'));
  [dir, rootDir] = [join(parent, 'keys'), join(parent, 'offline')];
});
afterEach(() => rm(parent, { recursive: true, force: true }));

const mode = async (...path: string[]) => ((await stat(join(...path))).mode & 0o777).toString(8);
const everything = async () => (await readdir(parent, { recursive: true })).sort();

test('a development set is marked twice and holds its root key', async () => {
  await createDevelopmentKeys(dir, NOW);
  const keys = await loadKeys(dir);
  expect(keys.development).toBe(true);
  expect(keys.fingerprint).toBe(rootFingerprint(keys.roots[0] ?? ''));
  expect(await everything()).toEqual(
    ['keys', 'keys/DEVELOPMENT', 'keys/online.json', 'keys/root', 'keys/root-1.pem', 'keys/root/1.root.json'].sort(),
  );
  await rm(join(dir, 'DEVELOPMENT'));
  expect((await loadKeys(dir)).development).toBe(true);
});

test('a production set has 2 of 3 root keys, all of them elsewhere', async () => {
  await createProductionKeys({ dir, rootDir, now: NOW });
  const keys = await loadKeys(dir);
  expect(keys.development).toBe(false);
  expect(readRoot(keys.roots[0] ?? '').signed.roles.root).toMatchObject({ threshold: 2, keyIDs: { length: 3 } });
  expect((await readdir(rootDir)).sort()).toEqual(['root-1.pem', 'root-2.pem', 'root-3.pem']);
  expect((await readdir(dir)).sort()).toEqual(['online.json', 'root']);
});

test('private files are private, whatever the umask', async () => {
  const umask = process.umask(0);
  await createProductionKeys({ dir, rootDir, now: NOW });
  process.umask(umask);
  expect([await mode(dir), await mode(rootDir), await mode(dir, 'online.json')]).toEqual(['700', '700', '600']);
  expect([await mode(rootDir, 'root-1.pem'), await mode(dir, 'root', '1.root.json')]).toEqual(['600', '644']);
});

test('what is loaded shows no key when printed', async () => {
  await createDevelopmentKeys(dir, NOW);
  const secret =
    (await readFile(join(dir, 'online.json'), 'utf8')).match(/\\n([A-Za-z0-9+/=]{20,})\\n/)?.[1] ?? 'no secret found';
  expect(inspect(await loadKeys(dir), { depth: null, showHidden: true })).not.toContain(secret);
  expect(secret).not.toBe('no secret found');
});

describe('nothing is overwritten', () => {
  test.each<[string, () => Promise<unknown>, () => Promise<unknown>]>([
    ['a development set by another', () => createDevelopmentKeys(dir, NOW), () => createDevelopmentKeys(dir, NOW)],
    [
      'a set by a production set',
      () => createDevelopmentKeys(dir, NOW),
      () => createProductionKeys({ dir, rootDir, now: NOW }),
    ],
    [
      'root keys of another set',
      () => createDevelopmentKeys(rootDir, NOW),
      () => createProductionKeys({ dir, rootDir, now: NOW }),
    ],
    ['a file', () => writeFile(dir, 'x'), () => createDevelopmentKeys(dir, NOW)],
    [
      'a directory with anything',
      () => mkdir(join(dir, 'x'), { recursive: true }),
      () => createDevelopmentKeys(dir, NOW),
    ],
  ])('%s', async (_title, before, attempt) => {
    await before();
    const found = await everything();
    await expect(attempt()).rejects.toMatchObject({ code: 'keys_exist' });
    expect(await everything()).toEqual(found);
  });

  test('an empty directory is no obstacle', async () => {
    await mkdir(dir);
    await createDevelopmentKeys(dir, NOW);
    expect((await loadKeys(dir)).roots).toHaveLength(1);
  });

  test.each([
    ['root keys inside the set', { rootDir: 'keys/root-keys' }],
    ['the set inside the root keys', { dir: 'offline/keys' }],
    ['both in one place', { rootDir: 'keys' }],
    ['a threshold above the keys', { keys: 2, threshold: 3 }],
    ['no keys', { keys: 0, threshold: 0 }],
    ['too many keys', { keys: 100, threshold: 2 }],
  ])(
    '%s is refused before anything is written',
    async (_title, change: { dir?: string; rootDir?: string; keys?: number; threshold?: number }) => {
      const places = { dir: join(parent, change.dir ?? 'keys'), rootDir: join(parent, change.rootDir ?? 'offline') };
      await expect(createProductionKeys({ now: NOW, ...change, ...places })).rejects.toMatchObject({
        code: 'keys_invalid',
      });
      expect(await everything()).toEqual([]);
    },
  );
});

describe('a set that cannot be trusted does not load', () => {
  test.each<[string, string, () => Promise<unknown>]>([
    ['no directory', 'keys_missing', () => rm(dir, { recursive: true })],
    ['no root', 'keys_missing', () => rm(join(dir, 'root'), { recursive: true })],
    ['no online keys', 'keys_missing', () => rm(join(dir, 'online.json'))],
    ['online keys that the group can read', 'key_exposed', () => chmod(join(dir, 'online.json'), 0o640)],
    ['online keys that others can read', 'key_exposed', () => chmod(join(dir, 'online.json'), 0o604)],
    ['online keys that are no JSON', 'keys_damaged', () => writeFile(join(dir, 'online.json'), '{')],
    ['online keys that are null', 'keys_damaged', () => writeFile(join(dir, 'online.json'), 'null')],
    ['an online key that is no key', 'key_unreadable', () => writeFile(join(dir, 'online.json'), '{"targets":"x"}')],
    ['a changed root', 'keys_damaged', () => writeFile(join(dir, 'root', '1.root.json'), '{}')],
    ["another set's online keys", 'keys_damaged', () => cp(join(rootDir, 'online.json'), join(dir, 'online.json'))],
  ])('%s: %s', async (_title, code, harm) => {
    await createDevelopmentKeys(dir, NOW);
    await createDevelopmentKeys(rootDir, NOW);
    await harm();
    await expect(loadKeys(dir)).rejects.toMatchObject({ code });
  });
});

describe('rotation', () => {
  test('replaces all three online keys by a root that follows', async () => {
    await createProductionKeys({ dir, rootDir, now: NOW });
    const before = await loadKeys(dir);
    await rm(join(rootDir, 'root-2.pem'));
    await rotateKeys(dir, rootDir, NOW);
    const after = await loadKeys(dir);
    expect([after.fingerprint, after.roots.length, after.development]).toEqual([before.fingerprint, 2, false]);
    const chain = verifyRootChain(after.roots, after.fingerprint);
    expect(isRefusal(chain) ? chain : chain.epoch).toBe(2);
    for (const role of ['targets', 'snapshot', 'timestamp'] as const) {
      expect(after.online[role].keyId).not.toBe(before.online[role].keyId);
    }
    expect(await mode(dir, 'online.json')).toBe('600');
  });

  test('without enough root keys changes nothing', async () => {
    await createProductionKeys({ dir, rootDir, now: NOW });
    await rm(join(rootDir, 'root-1.pem'));
    await rm(join(rootDir, 'root-2.pem'));
    await expect(rotateKeys(dir, rootDir, NOW)).rejects.toMatchObject({
      code: 'root_invalid',
      message: `${rootDir} holds 1 root key, 2 are needed to sign the next root`,
      hint: expect.stringContaining('--root-dir'),
    });
    const [other, otherRoot] = [join(parent, 'other'), join(parent, 'other-root')];
    await createProductionKeys({ dir: other, rootDir: otherRoot, now: NOW });
    await expect(rotateKeys(dir, otherRoot, NOW)).rejects.toThrow(
      `${otherRoot} holds 0 root keys of this set and 3 of another, 2 are needed to sign the next root`,
    );
    await expect(rotateKeys(dir, undefined, NOW)).rejects.toMatchObject({ code: 'keys_missing' });
    expect((await loadKeys(dir)).roots).toHaveLength(1);
  });

  test('that was cut off before the online keys followed counts for nothing, and can be done again', async () => {
    await createDevelopmentKeys(dir, NOW);
    await cp(join(dir, 'online.json'), join(parent, 'old.json'));
    await rotateKeys(dir, undefined, NOW);
    await cp(join(parent, 'old.json'), join(dir, 'online.json'));
    expect((await loadKeys(dir)).roots).toHaveLength(1);
    await rotateKeys(dir, undefined, NOW);
    expect(await loadKeys(dir)).toMatchObject({ roots: { length: 2 }, development: true });
  });
});
