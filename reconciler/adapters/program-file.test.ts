import { chmod, chown, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { programFile } from './program-file.ts';

let top: string;
let folder: string;
let program: string;

beforeEach(async () => {
  top = await realpath(await mkdtemp(join(tmpdir(), 'kokoa-program-')));
  folder = join(top, 'dns');
  program = join(folder, 'keeper');
  await mkdir(folder);
  await writeFile(program, '#!/bin/sh\n');
  await chmod(program, 0o755);
});
afterEach(() => rm(top, { recursive: true }));

it('a file of our own that nobody else may write is run where it really is', async () => {
  expect(await programFile(program)).toBe(program);
  await chmod(program, 0o500);
  await symlink(folder, join(top, 'link'));
  expect(await programFile(join(top, 'link', 'keeper'))).toBe(program);
});

it.each([
  ['others may write it', /others may write it$/, () => chmod(program, 0o757)],
  ['its group may write it', /others may write it$/, () => chmod(program, 0o775)],
  ['nobody may run it', /it is not executable$/, () => chmod(program, 0o644)],
  ['others may write its folder', /others may write the folder .*dns$/, () => chmod(folder, 0o777)],
  ['others may write a folder above', /others may write the folder .*program-[^/]*$/, () => chmod(top, 0o770)],
  ['it is a folder', /no ordinary file$/, () => rm(program).then(() => mkdir(program))],
  ['it is a link', /no ordinary file$/, () => rm(program).then(() => symlink('/bin/sh', program))],
])('%s: it is not run', async (_, message, spoil) => {
  await spoil();
  await expect(programFile(program)).rejects.toMatchObject({
    code: 'dns_refused',
    message: expect.stringMatching(message),
    hint: expect.stringContaining('only root'),
  });
});

it('a file of another user is not run, nor one below his folder', async () => {
  const theirs = (process.getuid?.() ?? 0) + 1;
  if (process.getuid?.() === 0) {
    await chown(program, 12_345, 0);
    await expect(programFile(program)).rejects.toMatchObject({
      message: expect.stringMatching(/belongs to user 12345$/),
    });
    await chown(program, 0, 0);
    await chown(folder, 12_345, 0);
    await expect(programFile(program)).rejects.toMatchObject({
      message: expect.stringMatching(/dns belongs to user 12345$/),
    });
    return;
  }
  await expect(programFile(program, theirs)).rejects.toMatchObject({
    message: expect.stringMatching(/belongs to user/),
  });
});

it('what is not there is not there', async () => {
  for (const path of [join(folder, 'absent'), join(top, 'absent', 'keeper'), join(program, 'below')])
    await expect(programFile(path)).rejects.toMatchObject({
      code: 'dns_unreachable',
      message: `there is no program ${path}`,
    });
});
