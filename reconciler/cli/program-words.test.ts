// What is printed to be typed runs this program, and never one that npm would have to fetch.
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { firstCommands } from './first-commands.ts';
import { programWords } from './program-words.ts';

let top: string;
beforeEach(async () => {
  top = await realpath(await mkdtemp(join(tmpdir(), 'kokoa-words-')));
  for (const folder of ['clone/routes/hoge', 'clone/fleet', 'clone/other/routes', 'fleet'])
    await mkdir(join(top, folder), { recursive: true });
  for (const file of ['clone/package.json', 'clone/other/package.json', 'clone/kokoa.yaml', 'fleet/kokoa.yaml'])
    await writeFile(join(top, file), '{}');
});
afterEach(() => rm(top, { recursive: true }));

it.each([
  ['clone', 'npx kokoa'],
  ['clone/routes/hoge', 'npx kokoa'],
  // npm takes the nearest package above, as it does in the clone’s own folders.
  ['clone/fleet', 'npx kokoa'],
  ['clone/other/routes', 'kokoa'],
  ['fleet', 'kokoa'],
  ['.', 'kokoa'],
])('in %s a command begins with %s', (folder, words) => {
  expect(programWords(join(top, folder), join(top, 'clone'))).toBe(words);
});

it('is npx kokoa in this clone', () => {
  expect(programWords(import.meta.dirname)).toBe('npx kokoa');
});

it('names the folder that is followed, where another one is at hand', () => {
  const fleet = join(top, 'fleet');
  expect(firstCommands(fleet, 'main', fleet).slice(1)).toEqual([
    '  kokoa route add blog.hoge.com --origin home --port 9000',
    '  kokoa edge add NAME          prints a token and the command that joins',
    '  kokoa validate               says what is wrong before the commit',
  ]);
  expect(firstCommands(fleet, 'main', join(top, 'clone')).join('\n')).toContain(` --port 9000 --dir ${fleet}\n`);
  expect(firstCommands(`file://${fleet}`, 'main', top).at(-1)).toMatch(new RegExp(`^  kokoa validate ${fleet}  +says`));
});

it.each(['https://github.com/octo-org/fleet.git', 'git@github.com:octo-org/fleet.git', '/'])(
  'sends to a clone of %s, which holds no data to write',
  (repository) => {
    const lines = firstCommands(repository, 'main', top);
    expect(lines[0]).toBe('next: in a clone of it, add a route or a machine, commit it on main, and it is published');
    expect(lines.join('\n')).not.toMatch(/--dir|octo-org/);
  },
);
