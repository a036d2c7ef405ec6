// A join is kept whole, or not at all, wherever it is cut.
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Settings } from '../ports/settings.ts';
import { finishJoin, keepJoined } from './joined-files.ts';
import { readToken } from './node-keys.ts';
import { readSettings } from './settings-file.ts';

const OLD: Settings = {
  ...{ node: 'tokyo-1', urls: ['https://a.test'], fingerprint: 'a'.repeat(64), allow: '' },
  listen: { addresses: ['0.0.0.0'], httpPort: 80, httpsPort: 443 },
};
const NEW: Settings = { ...OLD, urls: ['https://b.test'], fingerprint: 'b'.repeat(64) };

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kokoa-joined-'));
  await keepJoined(dir, { settings: OLD, token: 'old', authorities: new Map([['control-plane-ca.pem', 'old ca']]) });
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function node() {
  const ca = await readFile(join(dir, 'control-plane-ca.pem'), 'utf8');
  return { url: (await readSettings(dir)).urls[0], token: await readToken(dir), ca };
}
const OLD_NODE = { url: 'https://a.test', token: 'old', ca: 'old ca' };
const NEW_NODE = { url: 'https://b.test', token: 'new', ca: 'new ca' };
const ALL = ['acme-ca.pem', 'control-plane-ca.pem', 'settings.json', 'token'];

/** The directory as it is when `joining` has just become `joined`. */
async function decided(): Promise<void> {
  const other = await mkdtemp(join(tmpdir(), 'kokoa-joined-'));
  const authorities = new Map([
    ['control-plane-ca.pem', 'new ca'],
    ['acme-ca.pem', 'new acme ca'],
  ]);
  await keepJoined(other, { settings: NEW, token: 'new', authorities });
  await cp(other, join(dir, 'joined'), { recursive: true });
  await rm(other, { recursive: true });
}

it('replaces what an earlier join kept, and leaves nothing beside', async () => {
  expect(await node()).toEqual(OLD_NODE);
  await keepJoined(dir, { settings: NEW, token: 'new', authorities: new Map([['control-plane-ca.pem', 'new ca']]) });
  expect(await node()).toEqual(NEW_NODE);
  expect((await readdir(dir)).sort()).toEqual(['control-plane-ca.pem', 'settings.json', 'token']);
});

it('that was cut before it was decided never was', async () => {
  await decided();
  await rename(join(dir, 'joined'), join(dir, 'joining'));
  await rm(join(dir, 'joining/settings.json'));
  await finishJoin(dir);
  expect(await node()).toEqual(OLD_NODE);
  await keepJoined(dir, { settings: NEW, token: 'new', authorities: new Map([['control-plane-ca.pem', 'new ca']]) });
  expect(await node()).toEqual(NEW_NODE);
  // What the first one had of a CA is not carried over.
  expect(await readdir(dir)).not.toContain('acme-ca.pem');
});

it.each([0, 1, 2, 3, 4])(
  'that was cut after %s files were in their places is ended by whoever comes next',
  async (count) => {
    await decided();
    for (const name of ALL.toReversed().slice(0, count)) await rename(join(dir, 'joined', name), join(dir, name));
    await Promise.all([finishJoin(dir), finishJoin(dir)]);
    expect(await node()).toEqual(NEW_NODE);
    expect((await readdir(dir)).sort()).toEqual(ALL);
  },
);

it('is not kept with a token or settings that are none', async () => {
  const authorities = new Map([['control-plane-ca.pem', 'new ca']]);
  await expect(keepJoined(dir, { settings: NEW, token: 'a b', authorities })).rejects.toMatchObject({
    code: 'bad_token',
  });
  await expect(keepJoined(dir, { settings: { ...NEW, node: '' }, token: 'new', authorities })).rejects.toMatchObject({
    code: 'settings_invalid',
  });
  await finishJoin(dir);
  expect(await node()).toEqual(OLD_NODE);
});

it.each<[string, (joined: string) => Promise<unknown>]>([
  ['a file', (joined) => writeFile(joined, 'no directory')],
  ['a strange file in it', async (joined) => writeFile(join((await mkdir(joined, { recursive: true }))!, 'x'), '')],
])('is not stopped by %s in its way', async (_, damage) => {
  await damage(join(dir, 'joined'));
  await finishJoin(dir);
  expect(await node()).toEqual(OLD_NODE);
  await keepJoined(dir, { settings: NEW, token: 'new', authorities: new Map([['control-plane-ca.pem', 'new ca']]) });
  expect(await node()).toEqual(NEW_NODE);
  expect((await readdir(dir)).sort()).toEqual(['control-plane-ca.pem', 'settings.json', 'token']);
});
