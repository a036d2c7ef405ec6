// Secrets on a real disk: links that stay and links that leave, things that are no files, and files that change.

import { closeSync, openSync } from 'node:fs';
import { link, mkdir, mkdtemp, open, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ReadablePlace } from '../core/secret-reference.ts';
import type { SecretPlaces } from '../ports/secrets.ts';
import { createSecretPlaces } from './secret-places.ts';

/** More than libuv has. */
const THREADS = 16;

let top: string;
let secretsDir: string;
let places: SecretPlaces;
beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'kokoa-places-'));
  secretsDir = join(top, 'secrets');
  await mkdir(join(secretsDir, 'hoge'), { recursive: true });
  await mkdir(join(secretsDir, 'fuga'));
  await writeFile(join(secretsDir, 'fuga', 'theirs'), 'theirs');
  await writeFile(join(top, 'outside'), 'outside');
  places = createSecretPlaces({ secretsDir, credentialsDir: undefined, env: { SET: 'value' } });
});
afterEach(() => rm(top, { recursive: true, force: true }));

const wiki: ReadablePlace = { kind: 'file', team: 'hoge', name: 'wiki' };
const path = () => join(secretsDir, 'hoge', 'wiki');
const text = (value: string) => ({ kind: 'text', text: value });
const unreadable = (words: RegExp) => ({ kind: 'unreadable', reason: expect.stringMatching(words) });

it('reads what Kubernetes mounts, over its links, and again after it turned them', async () => {
  for (const version of ['one', 'two']) {
    await mkdir(join(secretsDir, 'hoge', `..${version}`));
    await writeFile(join(secretsDir, 'hoge', `..${version}`, 'wiki'), version);
  }
  await symlink('..one', join(secretsDir, 'hoge', '..data'));
  await symlink('..data/wiki', path());
  expect(await places.read(wiki)).toEqual(text('one'));
  await symlink('..two', join(secretsDir, 'hoge', 'next'));
  await rename(join(secretsDir, 'hoge', 'next'), join(secretsDir, 'hoge', '..data'));
  expect(await places.read(wiki)).toEqual(text('two'));
});

it('sees a file that was written again, also when its size and time were kept', async () => {
  const time = new Date('2026-01-01T00:00:00Z');
  for (const value of ['first', 'other', 'third']) {
    await writeFile(path(), value);
    await utimes(path(), time, time);
    expect(await places.read(wiki)).toEqual(text(value));
  }
  await rm(path());
  expect(await places.read(wiki)).toEqual(unreadable(/no such file/));
});

it.each<[string, () => Promise<unknown>, RegExp]>([
  ['a link to another team', () => symlink('../fuga/theirs', path()), /leads elsewhere/],
  ['a link out of the folder', () => symlink(join(top, 'outside'), path()), /leads elsewhere/],
  ['a link to a device', () => symlink('/dev/zero', path()), /leads elsewhere/],
  ['a link to itself', () => symlink('wiki', path()), /ELOOP/],
  ['a folder', () => mkdir(path()), /EISDIR|no ordinary file/],
  ['a pipe', () => execa('/usr/bin/mkfifo', [path()]), /no ordinary file/],
  ['a large file', () => writeFile(path(), '').then(() => truncate(path(), 1e9)), /1000000000 bytes/],
  ['nothing', async () => undefined, /no such file/],
])('does not read %s', async (_, make, words) => {
  await make();
  for (let times = 0; times < 2; times += 1) expect(await places.read(wiki)).toEqual(unreadable(words));
});

it('follows no link of a whole team to another place', async () => {
  await rm(join(secretsDir, 'hoge'), { recursive: true });
  await mkdir(join(top, 'elsewhere'));
  await link(join(top, 'outside'), join(top, 'elsewhere', 'wiki'));
  await symlink('../elsewhere', join(secretsDir, 'hoge'));
  expect(await places.read(wiki)).toEqual(unreadable(/leads elsewhere/));
});

it('reads variables and credentials, and says what was not set up', async () => {
  expect(await places.read({ kind: 'env', variable: 'SET' })).toEqual(text('value'));
  expect(await places.read({ kind: 'env', variable: 'PATH' })).toEqual(unreadable(/PATH is not set/));
  const credential: ReadablePlace = { kind: 'credential', name: 'hoge.wiki' };
  expect(await places.read(credential)).toEqual(unreadable(/systemd/));
  await writeFile(join(top, 'hoge.wiki'), 'credential');
  const more = createSecretPlaces({ secretsDir: undefined, credentialsDir: top, env: {} });
  expect(await more.read(credential)).toEqual(text('credential'));
  expect(await more.read(wiki)).toEqual(unreadable(/--secrets DIR/));
});

it('does not wait for a disk that does not answer', async () => {
  await writeFile(path(), 'late');
  const pipe = join(top, 'pipe');
  await execa('/usr/bin/mkfifo', [pipe]);
  // Nobody writes into it, so whoever opens it hangs: all threads that read files do.
  const hanging = Array.from({ length: THREADS }, () => open(pipe, 'r'));
  const impatient = createSecretPlaces({ secretsDir, credentialsDir: undefined, env: {}, readMsMax: 50 });
  try {
    expect(await impatient.read(wiki)).toEqual(unreadable(/not read within 50 ms/));
  } finally {
    const writer = openSync(pipe, 'r+');
    for (const file of await Promise.all(hanging)) await file.close();
    closeSync(writer);
  }
});
