// What counts as an agent's state: whoever types another directory loses nothing there.
import { lstat, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openNodeKeys, saveToken } from './node-keys.ts';
import { createOpenPortsFile } from './open-ports-file.ts';
import { writeSettings } from './settings-file.ts';
import { isLocked, lockState } from './state-lock.ts';
import { isOthers, isStateDir, removeState } from './state-remains.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kokoa-remains-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const SETTINGS = {
  ...{ node: 'tokyo-1', urls: ['http://127.0.0.1:1'], fingerprint: 'f'.repeat(64), allow: '' },
  listen: { addresses: ['127.0.0.1'], httpPort: 80, httpsPort: 443 },
};

async function joined(): Promise<void> {
  (await lockState(dir)).release();
  await writeSettings(dir, SETTINGS);
  await saveToken(dir, 'token');
  await openNodeKeys(dir);
}

/** Names that end in `/` are folders with a file. */
async function put(...names: string[]): Promise<void> {
  for (const name of names) {
    if (name.endsWith('/')) await mkdir(join(dir, name));
    await writeFile(join(dir, name.endsWith('/') ? `${name}mine` : name), 'mine');
  }
}

describe('somebody else’s directory', () => {
  test.each([
    ['/var', ['lock/', 'run/', 'lib/']],
    ['that of dpkg', ['lock', 'status']],
    ['a project’s', ['settings.json']],
    ['a deployment', ['current', 'releases/', 'lock', 'shared/']],
    ['with a token', ['token', 'users/', 'settings.json']],
  ])('%s is no state, and neither leaving nor locking takes anything from it', async (_, names) => {
    await put(...names);
    const before = (await readdir(dir, { recursive: true })).sort();
    expect(await isStateDir(dir)).toBe(false);
    expect(await removeState(dir)).toEqual([]);
    if (names.some((name) => /^lock\/?$/.test(name))) {
      await expect(lockState(dir)).rejects.toMatchObject({
        code: 'state_unwritable',
        hint: expect.stringMatching(/--state/),
      });
      await expect(isLocked(dir)).rejects.toMatchObject({ code: 'state_unwritable' });
    }
    expect((await readdir(dir, { recursive: true })).sort()).toEqual(before);
  });

  test('with a link of that name keeps the link', async () => {
    await put('lib/');
    await symlink('lib', join(dir, 'lock'));
    await expect(lockState(dir)).rejects.toMatchObject({ code: 'state_unwritable' });
    expect((await lstat(join(dir, 'lock'))).isSymbolicLink()).toBe(true);
  });
});

test.each([
  ['with a folder that leave would take', ['releases/', 'shared/'], true],
  ['with nothing in it', [], false],
  ['with the token and the CA that join is to read', ['token', 'control-plane-ca.pem'], false],
  ['of a file system of its own', ['lost+found/'], false],
])('a directory %s: is joined or not', async (_, names, expected) => {
  await put(...names);
  expect(await isOthers(dir)).toBe(expected);
});

describe('a state', () => {
  test('goes with the directory, and a link to it stays', async () => {
    await joined();
    await mkdir(join(dir, 'lost+found'));
    expect([await isStateDir(dir), await isOthers(dir)]).toEqual([true, false]);
    await rm(join(dir, 'lost+found'), { recursive: true });
    const link = `${dir}-link`;
    await symlink(dir, link);
    try {
      expect(await removeState(link)).toEqual([`removed ${link} with keys and certificates`]);
      expect(await readdir(dir)).toEqual([]);
    } finally {
      await rm(link);
    }
  });

  test.each([
    ['without its keys', ['wireguard.key', 'signing.key', 'identity.key', 'token'], ['notes.txt']],
    ['with torn settings', [], ['settings.json', 'notes.txt']],
    ['of which only the lock is left', ['wireguard.key', 'signing.key', 'identity.key', 'token', 'settings.json'], []],
  ])('%s is one', async (_, gone, torn) => {
    await joined();
    for (const name of gone) await rm(join(dir, name));
    for (const name of torn) await writeFile(join(dir, name), '{"node":');
    expect(await isStateDir(dir)).toBe(true);
    await removeState(dir);
    const left = await readdir(dir).catch(() => []);
    expect(left).toEqual(torn.filter((name) => name === 'notes.txt'));
  });

  test('goes with what an origin had open', async () => {
    await joined();
    await createOpenPortsFile(join(dir, 'open-ports.json')).write({ declared: [{ port: 8080 }], closing: new Map() });
    expect(await readdir(dir)).toContain('open-ports.json');
    expect(await removeState(dir)).toEqual([`removed ${dir} with keys and certificates`]);
    await expect(readdir(dir)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('of which the lock is damaged is locked all the same', async () => {
    await joined();
    await rm(join(dir, 'lock'));
    await mkdir(join(dir, 'lock/deep'), { recursive: true });
    (await lockState(dir)).release();
    await writeFile(join(dir, 'lock'), 'x'.repeat(5_000));
    (await lockState(dir)).release();
    expect(await isLocked(dir)).toBe(false);
  });
});
