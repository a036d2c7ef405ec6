// A write is whole or absent, with the mode that was asked for; what cannot be read back is absent.

import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  makeOwnDirectory,
  orUnwritable,
  readBounded,
  swapLink,
  writeAllDurably,
  writeDurably,
} from './durable-write.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kokoa-durable-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('a file is replaced whole, with its mode, and leaves nothing beside it', async () => {
  const path = join(directory, 'x');
  await writeDurably(path, 'long old content', { mode: 0o644 });
  const umask = process.umask(0o077);
  await writeDurably(path, Buffer.from('new'), { mode: 0o644 });
  process.umask(umask);
  expect(await readFile(path, 'utf8')).toBe('new');
  expect((await stat(path)).mode & 0o777).toBe(0o644);
  await writeDurably(path, 'secret');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(directory)).toEqual(['x']);
});

test('many files are written at once, and writers of one file do not mix', async () => {
  const files = new Map(Array.from({ length: 100 }, (_, n) => [`f${n}`, `content ${n}`]));
  await writeAllDurably(directory, files);
  expect((await readdir(directory)).length).toBe(100);
  const texts = ['a', 'b', 'c'].map((letter) => letter.repeat(100_000));
  await Promise.all(texts.map((text) => writeDurably(join(directory, 'f0'), text)));
  expect(texts).toContain(await readFile(join(directory, 'f0'), 'utf8'));
});

test('what stands in the way is an error with a code, and nothing is left', async () => {
  await mkdir(join(directory, 'taken', 'inside'), { recursive: true });
  await expect(writeDurably(join(directory, 'taken'), 'x')).rejects.toMatchObject({ code: 'state_unwritable' });
  await expect(writeDurably(join(directory, 'no', 'where'), 'x')).rejects.toMatchObject({ code: 'state_unwritable' });
  expect(await readdir(directory)).toEqual(['taken']);
});

test('where the place is ours alone, whatever stands there gives way', async () => {
  const path = join(directory, 'floor');
  await mkdir(join(path, 'inside'), { recursive: true });
  await writeDurably(path, 'good', { ours: true });
  expect(await readFile(path, 'utf8')).toBe('good');
  await makeOwnDirectory(path);
  await writeDurably(join(path, 'x'), 'kept');
  await makeOwnDirectory(path);
  expect(await readFile(join(path, 'x'), 'utf8')).toBe('kept');
});

test('what a killed process left is removed, once, and what another one is about to write is not', async () => {
  const ended = execa('true');
  await ended;
  const dead = ended.pid;
  for (const pid of [dead, process.pid, 1]) await writeFile(join(directory, `.x.${pid}.7.tmp`), 'torn');
  await writeDurably(join(directory, 'x'), 'whole');
  expect((await readdir(directory)).sort()).toEqual([`.x.1.7.tmp`, `.x.${process.pid}.7.tmp`, 'x'].sort());
});

test('an error says in words what the disk has, and where', async () => {
  const failing = orUnwritable('/state/floor', () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOSPC' })));
  await expect(failing).rejects.toMatchObject({
    code: 'state_unwritable',
    message: 'cannot write /state/floor: the disk is full (ENOSPC): free some space',
  });
});

test('a link is swapped in one step, over a link, a file or a directory', async () => {
  const link = join(directory, 'current');
  await swapLink(link, 'a');
  await swapLink(link, 'b');
  expect(await readlink(link)).toBe('b');
  for (const put of [() => writeFile(link, 'x'), () => mkdir(join(link, 'deep'), { recursive: true })]) {
    await rm(link, { recursive: true });
    await put();
    await swapLink(link, 'c');
    expect(await readlink(link)).toBe('c');
  }
  expect(await readdir(directory)).toEqual(['current']);
});

test('what is absent, too large or no file reads as absent', async () => {
  await writeFile(join(directory, 'x'), '12345');
  expect(await readBounded(join(directory, 'x'), 5)).toBe('12345');
  expect(await readBounded(join(directory, 'x'), 4)).toBeUndefined();
  expect(await readBounded(join(directory, 'y'), 5)).toBeUndefined();
  expect(await readBounded(join(directory, 'x', 'y'), 5)).toBeUndefined();
  expect(await readBounded(directory, 5)).toBeUndefined();
});
