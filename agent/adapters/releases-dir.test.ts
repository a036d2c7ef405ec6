// Releases are whole, named once, three at most; `current` moves in one step and drift is seen.
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Releases } from '../ports/state.ts';
import { RELEASES_KEPT, releasesDir } from './releases-dir.ts';

const tree = (n = 1) =>
  new Map([
    ['nginx.conf', `# ${n}\n`],
    ['maps/a.conf', 'a 1;\n'],
    ['maps/deep/b.conf', 'b 1;\n'],
  ]);

let directory: string;
let releases: Releases;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kokoa-releases-'));
  releases = releasesDir(directory);
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const ids = async () => (await readdir(join(directory, 'releases'))).sort();

test('a tree is written whole and becomes current when told', async () => {
  expect(await releases.current()).toBeUndefined();
  expect(await releases.intact()).toBe(false);
  const path = await releases.write('r1', tree());
  expect(path).toBe(join(directory, 'releases', 'r1'));
  for (const [name, text] of tree()) expect(await readFile(join(path, name), 'utf8')).toBe(text);
  expect(await releases.current()).toBeUndefined();
  await releases.swap('r1');
  expect(await readlink(join(directory, 'current'))).toBe('releases/r1');
  expect(await releasesDir(directory).current()).toBe('r1');
  expect(await releases.intact()).toBe(true);
});

test('the web server’s workers can read it, whatever the umask of who started the agent', async () => {
  const before = process.umask(0o077);
  try {
    await releases.write('r1', tree());
  } finally {
    process.umask(before);
  }
  const modeOf = async (path: string) => ((await stat(join(directory, path))).mode & 0o777).toString(8);
  for (const folder of ['releases', 'releases/r1', 'releases/r1/maps/deep']) expect(await modeOf(folder)).toBe('755');
  expect(await modeOf('releases/r1/maps/deep/b.conf')).toBe('644');
});

test('three are kept: the current one, the new one and the newest of the rest', async () => {
  for (const id of ['a', 'b', 'c', 'd']) {
    await releases.write(id, tree());
    if (id === 'a') await releases.swap('a');
  }
  expect(await ids()).toEqual(['a', 'c', 'd']);
  expect(await ids()).toHaveLength(RELEASES_KEPT);
  await releases.swap('c');
  await releases.write('e', tree());
  expect(await ids()).toEqual(['c', 'd', 'e']);
});

test('writing the same tree again changes nothing, and mends what drifted', async () => {
  await releases.write('r1', tree());
  await releases.swap('r1');
  await releases.write('r1', tree());
  await writeFile(join(directory, 'releases/r1/nginx.conf'), 'drift');
  expect(await releases.intact()).toBe(false);
  await releases.write('r1', tree());
  expect(await releases.intact()).toBe(true);
  expect(await ids()).toEqual(['r1']);
});

describe('drift of the current release is seen', () => {
  test.each<[string, (path: string) => Promise<unknown>]>([
    ['a changed file', (path) => appendFile(join(path, 'maps/a.conf'), ' ')],
    ['an emptied file', (path) => truncate(join(path, 'nginx.conf'))],
    ['a missing file', (path) => rm(join(path, 'maps/deep/b.conf'))],
    ['an added file', (path) => writeFile(join(path, 'maps/evil.conf'), '')],
    ['an added link', (path) => symlink('/etc/passwd', join(path, 'maps/evil.conf'))],
    [
      'a file made a link',
      (path) => rm(join(path, 'nginx.conf')).then(() => symlink('/dev/zero', join(path, 'nginx.conf'))),
    ],
    ['a missing manifest', (path) => rm(join(path, '.manifest'))],
    ['a torn manifest', (path) => truncate(join(path, '.manifest'), 40)],
    ['no release at all', (path) => rm(path, { recursive: true })],
  ])('%s', async (_title, drift) => {
    const path = await releases.write('r1', tree());
    await releases.swap('r1');
    await drift(path);
    expect(await releases.intact()).toBe(false);
    await releases.write('r1', tree());
    await releases.swap('r1');
    expect(await releases.intact()).toBe(true);
  });
});

test('what an interrupted write left is cleared by the next', async () => {
  await mkdir(join(directory, 'releases', '.r1.new', 'maps'), { recursive: true });
  await mkdir(join(directory, 'releases', '.gone.old'), { recursive: true });
  await chmod(join(directory, 'releases', '.r1.new'), 0o700);
  await releases.write('r1', tree());
  expect(await ids()).toEqual(['r1']);
});

test.each(['../x', '', '.hidden', 'a/b', 'a'.repeat(200)])('%j is no name for a release', async (id) => {
  await expect(releases.write(id, tree())).rejects.toMatchObject({ code: 'release_invalid' });
  await expect(releases.swap(id)).rejects.toMatchObject({ code: 'release_missing' });
});

test.each(['../x', '/etc/x', 'a/../../x', '.manifest', '', 'a//b', 'a\0b'])(
  '%j is no file of a release',
  async (path) => {
    await expect(releases.write('r1', new Map([[path, 'x']]))).rejects.toMatchObject({ code: 'release_invalid' });
  },
);

test('current is nothing when the link points elsewhere', async () => {
  await releases.write('r1', tree());
  await symlink('/tmp', join(directory, 'current'));
  expect(await releases.current()).toBeUndefined();
  await expect(releases.swap('r2')).rejects.toMatchObject({ code: 'release_missing' });
  await releases.swap('r1');
  expect(await releases.current()).toBe('r1');
});
