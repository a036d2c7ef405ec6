// Real repositories, made here: a commit is read as the same folder would be.
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FILE_BYTES_MAX } from '../core/yaml-text.ts';
import { readDataDir } from './data-dir.ts';
import { readRevision } from './revision.ts';

let clone: string;

beforeEach(async () => {
  clone = mkdtempSync(join(tmpdir(), 'kokoa-revision-'));
  await git('init', '--quiet', '-b', 'main');
});

afterEach(() => rmSync(clone, { recursive: true, force: true }));

async function git(...args: string[]): Promise<string> {
  const env = { PATH: process.env.PATH!, HOME: clone, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.com', '-c', 'protocol.file.allow=always'];
  return (await execa('git', [...identity, ...args], { cwd: clone, env, extendEnv: false, stdin: 'ignore' })).stdout;
}

function put(path: string, content: string | Uint8Array = 'a: 1\n'): string {
  const target = join(clone, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, content);
  return target;
}

async function commitAll(): Promise<string> {
  await git('add', '-A');
  await git('commit', '--quiet', '--allow-empty', '-m', 'change');
  return git('rev-parse', 'HEAD');
}

describe('readRevision', () => {
  it('answers exactly what reading the folder answered when it was committed', async () => {
    for (const path of [
      ...['kokoa.yaml', 'KOKOA.YML', 'routes/b/x.yaml', 'routes/a.yaml', 'routes/a/z.yaml', 'routes/a/b.yml'],
      ...['origins/home.yaml', 'edges/e.yaml', 'routes/README.md', 'routes/.hidden/x.yaml', 'routes/a/notes.txt'],
      ...['other.yaml', 'docs/routes/x.yaml', 'routes/a/ö "\\.yaml', 'routes/1/2/3/4/5/6/7/8/9/x.yaml'],
    ])
      put(path, `path: ${path}\n`);
    symlinkSync('z.yaml', join(clone, 'routes/a/link.yaml'));
    truncateSync(put('routes/a/empty.yaml'), 0);
    const folder = readDataDir(clone);
    const commit = await commitAll();
    put('kokoa.yaml', 'later\n');
    await commitAll();
    rmSync(join(clone, 'routes'), { recursive: true });
    const revision = await readRevision(clone, 'HEAD~1');
    expect(revision.commit).toBe(commit);
    const plain = (files: typeof folder.files) => files.map(({ bytes, ...rest }) => ({ ...rest, text: `${bytes}` }));
    expect(plain(revision.files)).toEqual(plain(folder.files));
    expect(revision.problems).toEqual(folder.problems);
    expect(folder.problems.length).toBeGreaterThan(2);
  });

  it.each(['sha1', 'sha256'])('takes a file that is known from there, and only that very file (%s)', async (format) => {
    rmSync(join(clone, '.git'), { recursive: true });
    await git('init', '--quiet', '-b', 'main', `--object-format=${format}`);
    for (const name of ['same', 'other', 'moved']) put(`routes/a/${name}.yaml`, `name: ${name}\n`);
    await commitAll();
    put('routes/a/other.yaml', 'name: OTHER\n');
    rmSync(join(clone, 'routes/a/moved.yaml'));
    put('routes/b/moved.yaml', 'name: moved\n');
    const known = readDataDir(clone).files;
    const { files } = await readRevision(clone, 'HEAD', known);
    expect(files.map(({ path, bytes }) => [path, `${bytes}`])).toEqual([
      ['routes/a/moved.yaml', 'name: moved\n'],
      ['routes/a/other.yaml', 'name: other\n'],
      ['routes/a/same.yaml', 'name: same\n'],
    ]);
    expect(files.map((file) => known.includes(file))).toEqual([false, false, true]);
    expect(files).toEqual(
      (await readRevision(clone, 'HEAD')).files.map((file) =>
        expect.objectContaining({ path: file.path, blob: file.blob }),
      ),
    );
  });

  it('reads the same folder when the data lies below the top of the clone, and nothing where it is not there yet', async () => {
    put('kokoa.yaml', 'of the top\n');
    await commitAll();
    put('data/kokoa.yaml', 'of the folder\n');
    await commitAll();
    const texts = async (rev: string) =>
      (await readRevision(join(clone, 'data'), rev)).files.map(({ bytes }) => `${bytes}`);
    expect(await texts('main')).toEqual(['of the folder\n']);
    expect(await texts('main~1')).toEqual([]);
  });

  it('names links, submodules and files in the place of folders, and follows none', async () => {
    put('target/home.yaml');
    symlinkSync('target', join(clone, 'origins'));
    put('edges', 'x');
    put('routes/a/x.yaml');
    const commit = await commitAll();
    await git('update-index', '--add', '--cacheinfo', `160000,${commit},routes/a/sub.yaml`);
    await git('commit', '--quiet', '-m', 'submodule');
    const { files, problems } = await readRevision(clone, 'HEAD');
    expect(files.map(({ path }) => path)).toEqual(['routes/a/x.yaml']);
    expect(problems.map(({ file, rule, message }) => `${file} ${rule} ${message}`)).toEqual([
      'edges KK104 found a file, expected a folder',
      'origins KK104 found a symbolic link, expected a folder',
      'routes/a/sub.yaml KK104 found a submodule, expected a plain file',
    ]);
  });

  it('reads no object that the loader would refuse for its size', async () => {
    put('routes/a/huge.yaml', new Uint8Array(8 * FILE_BYTES_MAX));
    await commitAll();
    const { files } = await readRevision(clone, 'HEAD');
    expect(files.map(({ bytes }) => bytes?.length)).toEqual([FILE_BYTES_MAX + 1]);
  });

  it('reads what was committed, whatever replaces, filters or hooks the clone has', async () => {
    put('kokoa.yaml', 'right\n');
    const first = await commitAll();
    put('kokoa.yaml', 'wrong\n');
    const second = await commitAll();
    await git('replace', first, second);
    const witness = join(clone, 'ran');
    put('.gitattributes', '*.yaml filter=evil diff=evil\n');
    for (const key of ['filter.evil.smudge', 'diff.evil.textconv', 'core.fsmonitor', 'core.sshCommand', 'core.pager'])
      await git('config', key, `touch ${witness}; cat`);
    const { files } = await readRevision(clone, first);
    expect(files.map(({ bytes }) => `${bytes}`)).toEqual(['right\n']);
    await expect(access(witness)).rejects.toThrow();
  });

  it('fetches nothing that the clone lacks', async () => {
    put('kokoa.yaml', 'missing\n');
    const commit = await commitAll();
    const blob = await git('rev-parse', 'HEAD:kokoa.yaml');
    rmSync(join(clone, '.git/objects', blob.slice(0, 2), blob.slice(2)));
    const witness = join(clone, 'ran');
    await git('config', 'extensions.partialClone', 'origin');
    await git('config', 'core.repositoryFormatVersion', '1');
    await git('config', 'remote.origin.url', `ext::touch ${witness}`);
    await git('config', 'protocol.ext.allow', 'always');
    await expect(readRevision(clone, commit)).rejects.toMatchObject({ code: 'object_missing' });
    await expect(access(witness)).rejects.toThrow();
  });

  it('takes a tag, a short id and the clone of a work tree for a commit', async () => {
    put('kokoa.yaml');
    const commit = await commitAll();
    await git('tag', '-a', '-m', 'tag', 'v1');
    await git('worktree', 'add', '--quiet', 'beside', '-b', 'topic');
    expect((await readRevision(clone, 'v1')).commit).toBe(commit);
    expect((await readRevision(clone, commit.slice(0, 10))).commit).toBe(commit);
    expect((await readRevision(join(clone, 'beside'), 'topic')).files).toHaveLength(1);
  });

  it.each([
    ['an option', '--output=x'],
    ['another option', '-h'],
    ['nothing', ''],
    ['a name that is not there', 'nowhere'],
    ['a file of a commit', 'HEAD:kokoa.yaml'],
    ['a range', 'HEAD~1..HEAD'],
    ['two lines', 'HEAD\nHEAD'],
    ['a very long name', 'x'.repeat(10_000)],
    ['an id that is not there', '0123456789012345678901234567890123456789'],
  ])('throws usage for %s', async (_, rev) => {
    put('kokoa.yaml');
    await commitAll();
    await commitAll();
    const error = await readRevision(clone, rev).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ name: 'KokoaError', code: 'usage' });
    expect((error as Error).message.length).toBeLessThan(400);
  });

  it('asks git nothing about what begins like an option', async () => {
    const asked = readRevision(clone, '--all');
    await expect(asked).rejects.toThrow('found the revision "--all", expected the name of a commit');
  });

  it('throws usage outside of a clone and for a folder that is not there', async () => {
    put('kokoa.yaml');
    await commitAll();
    const outside = mkdtempSync(join(tmpdir(), 'kokoa-outside-'));
    cpSync(join(clone, 'kokoa.yaml'), join(outside, 'kokoa.yaml'));
    await expect(readRevision(outside, 'HEAD')).rejects.toMatchObject({ code: 'usage' });
    await expect(readRevision(join(clone, 'gone'), 'HEAD')).rejects.toMatchObject({ code: 'usage' });
    rmSync(outside, { recursive: true });
  });
});
