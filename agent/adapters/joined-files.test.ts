// A join is kept whole, or not at all, wherever it is cut.
import { cp, mkdir, mkdtemp, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Settings } from '../ports/settings.ts';
import { finishJoin, type JoinedFiles, keepJoined } from './joined-files.ts';
import { readToken } from './node-keys.ts';
import { readSettings } from './settings-file.ts';

const OLD: Settings = {
  ...{ node: 'tokyo-1', urls: ['https://a.test'], fingerprint: 'a'.repeat(64), allow: '' },
  listen: { addresses: ['0.0.0.0'], httpPort: 80, httpsPort: 443 },
};
const NEW: Settings = { ...OLD, urls: ['https://b.test'], fingerprint: 'b'.repeat(64) };

/** The bundle of a node is called like its token. */
function files(settings: Settings, token: string): JoinedFiles {
  const placeBundle = async (place: string) => {
    await writeFile(join(place, 'floor'), `${token} floor`);
    await symlink(`bundles/${token}`, join(place, 'trusted'));
  };
  return { settings, token, authorities: new Map([['control-plane-ca.pem', `${token} ca`]]), placeBundle };
}

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kokoa-joined-'));
  await keepJoined(dir, files(OLD, 'old'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function node() {
  const ca = await readFile(join(dir, 'control-plane-ca.pem'), 'utf8');
  const trusted = [await readFile(join(dir, 'floor'), 'utf8'), await readlink(join(dir, 'trusted'))];
  return { url: (await readSettings(dir)).urls[0], token: await readToken(dir), ca, trusted };
}
const OLD_NODE = { url: 'https://a.test', token: 'old', ca: 'old ca', trusted: ['old floor', 'bundles/old'] };
const NEW_NODE = { url: 'https://b.test', token: 'new', ca: 'new ca', trusted: ['new floor', 'bundles/new'] };
const ALL = ['acme-ca.pem', 'control-plane-ca.pem', 'floor', 'settings.json', 'token', 'trusted'];
const WITHOUT_ACME = ALL.slice(1);

/** The directory as it is when `joining` has just become `joined`. */
async function decided(): Promise<void> {
  const other = await mkdtemp(join(tmpdir(), 'kokoa-joined-'));
  const authorities = new Map([
    ['control-plane-ca.pem', 'new ca'],
    ['acme-ca.pem', 'new acme ca'],
  ]);
  await keepJoined(other, { ...files(NEW, 'new'), authorities });
  await cp(other, join(dir, 'joined'), { recursive: true, verbatimSymlinks: true });
  await rm(other, { recursive: true });
}

it('replaces what an earlier join kept, and leaves nothing beside', async () => {
  expect(await node()).toEqual(OLD_NODE);
  await keepJoined(dir, files(NEW, 'new'));
  expect(await node()).toEqual(NEW_NODE);
  expect((await readdir(dir)).sort()).toEqual(WITHOUT_ACME);
});

it('that was cut before it was decided never was', async () => {
  await decided();
  await rename(join(dir, 'joined'), join(dir, 'joining'));
  await rm(join(dir, 'joining/settings.json'));
  await finishJoin(dir);
  expect(await node()).toEqual(OLD_NODE);
  await keepJoined(dir, files(NEW, 'new'));
  expect(await node()).toEqual(NEW_NODE);
  // What the first one had of a CA is not carried over.
  expect(await readdir(dir)).not.toContain('acme-ca.pem');
});

it.each([0, 1, 2, 3, 4, 5, 6])(
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
  await expect(keepJoined(dir, { ...files(NEW, 'new'), token: 'a b' })).rejects.toMatchObject({
    code: 'bad_token',
  });
  await expect(keepJoined(dir, files({ ...NEW, node: '' }, 'new'))).rejects.toMatchObject({
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
  await keepJoined(dir, files(NEW, 'new'));
  expect(await node()).toEqual(NEW_NODE);
  expect((await readdir(dir)).sort()).toEqual(WITHOUT_ACME);
});

it.each(['settings.json', 'trusted', 'floor'])('is not stopped by a directory in the place of %s', async (name) => {
  await rm(join(dir, name));
  await mkdir(join(dir, name, 'deep'), { recursive: true });
  await keepJoined(dir, files(NEW, 'new'));
  expect(await node()).toEqual(NEW_NODE);
});

it('undoes what the former node had when all of the new one is on the disk, and not before', async () => {
  const found: unknown[] = [];
  const undo = async () => {
    found.push(await node(), (await readdir(join(dir, 'joining'))).sort(), (await readdir(dir)).includes('joined'));
  };
  const full = async () => Promise.reject(new Error('the disk is full'));
  await expect(keepJoined(dir, { ...files(NEW, 'new'), placeBundle: full }, undo)).rejects.toThrow('full');
  await expect(keepJoined(dir, { ...files(NEW, 'new'), token: 'a b' }, undo)).rejects.toThrow('token');
  await expect(keepJoined(dir, files({ ...NEW, node: '' }, 'new'), undo)).rejects.toThrow('node');
  expect(found).toEqual([]);
  await expect(keepJoined(dir, files(NEW, 'new'), full)).rejects.toThrow('full');
  expect(await node()).toEqual(OLD_NODE);
  await keepJoined(dir, files(NEW, 'new'), undo);
  expect(found).toEqual([OLD_NODE, WITHOUT_ACME, false]);
});

it('touches nothing where no agent ever joined, whatever the names are', async () => {
  const app = await mkdtemp(join(tmpdir(), 'kokoa-app-'));
  await writeFile(join(app, 'settings.json'), '{"theme":"dark"}');
  await mkdir(join(app, 'joined'));
  for (const name of ['settings.json', 'token']) await writeFile(join(app, 'joined', name), 'of the app');
  await finishJoin(app);
  expect((await readdir(app, { recursive: true })).sort()).toEqual([
    ...['joined', 'joined/settings.json', 'joined/token', 'settings.json'],
  ]);
  expect(await readFile(join(app, 'settings.json'), 'utf8')).toBe('{"theme":"dark"}');
  await rm(app, { recursive: true });
});
