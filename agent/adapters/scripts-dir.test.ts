// Scripts that work, fail, hang, chatter, leave children behind, or were put there by somebody else.
import { chmod, chown, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createScriptsDir } from './scripts-dir.ts';

let top: string;
let dir: string;
beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'kokoa-scripts-'));
  await chmod(top, 0o755);
  dir = join(top, 'checks');
  await mkdir(dir, { mode: 0o755 });
});
afterEach(() => rm(top, { recursive: true, force: true }));

async function script(name: string, lines: string, mode = 0o755): Promise<void> {
  await writeFile(join(dir, name), `#!/bin/sh\n${lines}\n`, { mode });
  await chmod(join(dir, name), mode);
}

/** As ps shows it: Z is one that has ended and that nobody asked about; nothing at all is one that is gone. */
async function stateOfChild(): Promise<string> {
  const child = (await readFile(join(top, 'child'), 'utf8')).trim();
  const { stdout } = await execa('ps', ['-o', 'stat=', '-p', child], { reject: false });
  return stdout.trim();
}

const run = (name: string, timeoutMs = 5_000) => createScriptsDir({ dir, timeoutMs }).run(name);

describe('a script', () => {
  it('that ends with 0 is well', async () => {
    await script('disk', 'exit 0');
    expect(await run('disk')).toEqual({ kind: 'well' });
  });

  it('that ends otherwise is ill, with what it printed first', async () => {
    await script('disk', "echo; printf 'the disk is \\033[31mfull\\n'; echo more; exit 3");
    expect(await run('disk')).toEqual({ kind: 'ill', reason: 'ended with 3', words: 'the disk is [31mfull' });
  });

  it('that does not end is ended, with all that it started', async () => {
    await script('hang', `sleep 600 & echo $! > ${top}/child; sleep 600`);
    await chmod(top, 0o777);
    expect(await run('hang', 300)).toEqual({ kind: 'ill', reason: 'did not end within 300 ms', words: '' });
    await vi.waitFor(async () => expect(await stateOfChild()).toMatch(/^(Z|$)/));
  });

  it('that leaves somebody behind when it ends well takes him with it', async () => {
    await script('leave', `sleep 600 & echo $! > ${top}/child; exit 0`);
    await chmod(top, 0o777);
    expect(await run('leave')).toEqual({ kind: 'well' });
    await vi.waitFor(async () => expect(await stateOfChild()).toMatch(/^(Z|$)/));
  });

  it('that never stops talking is bounded', async () => {
    await script('talk', 'yes');
    const result = await run('talk', 500);
    expect(result).toMatchObject({ kind: 'ill', words: 'y' });
  });

  it('is nobody, has no environment and no input, and stands nowhere', async () => {
    await script('who', 'echo $(id -u):$(id -g):$(id -G) $(pwd) $(env | cut -d= -f1 | sort) $(cat); exit 1');
    process.env.KOKOA_TEST_SECRET = 'x';
    const result = await run('who');
    delete process.env.KOKOA_TEST_SECRET;
    const who = process.getuid?.() === 0 ? '65534:65534:65534' : expect.any(String);
    expect(result).toMatchObject({ words: expect.stringMatching(/ \/ (LC_ALL|PATH|PWD|SHLVL|_|OLDPWD| )+$/) });
    expect((result as { words: string }).words.split(' ')[0]).toEqual(who);
  });
});

describe('what is not run', () => {
  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['nothing of that name', async () => undefined, /^there is no .*\/checks\/disk$/],
    ['others may write it', () => script('disk', 'exit 0', 0o775), /others may write to .*: chmod go-w it$/],
    [
      'others may write beside it',
      () => script('disk', 'exit 0').then(() => chmod(dir, 0o777)),
      /others may write to .*checks:/,
    ],
    ['nobody may run it', () => script('disk', 'exit 0', 0o644), /is not executable: chmod a\+rx it$/],
    ['it leads elsewhere', () => symlink('/bin/true', join(dir, 'disk')), /is no file$/],
    ['it is a directory', () => mkdir(join(dir, 'disk')), /is no file$/],
    [
      'there is no such interpreter',
      () => writeFile(join(dir, 'disk'), '#!/no/such\n', { mode: 0o755 }),
      /interpreter that is not there$/,
    ],
  ])('%s', async (_, make, reason) => {
    await make();
    expect(await run('disk')).toEqual({ kind: 'refused', reason: expect.stringMatching(reason) });
  });

  it.runIf(process.getuid?.() === 0)('it belongs to somebody else', async () => {
    await script('disk', 'exit 0');
    await chown(join(dir, 'disk'), 1000, 1000);
    expect(await run('disk')).toEqual({ kind: 'refused', reason: expect.stringMatching(/chown root it$/) });
  });

  it.each(['../disk', 'a/b', '', 'Disk', '-x', 'x'.repeat(64)])('the name %j', async (name) => {
    expect(await run(name)).toEqual({ kind: 'refused', reason: 'that is no name of a script' });
  });
});
