// The real git adapter against repositories made here: the contract, then what only git can do to it.
import { access, chmod, mkdir, mkdtemp, readdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterEach, expect, it } from 'vitest';
import { type SourceScenario, sourceContract } from '../../test/contract/source.ts';
import type { FileChange } from '../core/files.ts';
import { openGitSource } from './git.ts';

const made: string[] = [];
afterEach(async () => {
  for (const directory of made.splice(0)) await rm(directory, { recursive: true, force: true });
});

sourceContract('git', repository);

async function temporary(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'kokoa-git-'));
  made.push(directory);
  return directory;
}

async function git(cwd: string, ...args: string[]): Promise<string> {
  const env = { PATH: process.env.PATH!, HOME: cwd, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.com', '-c', 'protocol.file.allow=always'];
  return (await execa('git', [...identity, ...args], { cwd, env, extendEnv: false, stdin: 'ignore' })).stdout;
}

interface Repository extends SourceScenario {
  top: string;
  work: string;
  mirror: string;
  commitAll(): Promise<string>;
}

async function repository(): Promise<Repository> {
  const top = await temporary();
  const [work, mirror] = [join(top, 'work'), join(top, 'mirror')];
  await git(top, 'init', '--quiet', '-b', 'main', work);
  const source = await openGitSource({ url: work, branch: 'main', mirrorDir: mirror });
  const commitAll = async () => {
    await git(work, 'add', '-A');
    await git(work, 'commit', '--quiet', '--allow-empty', '-m', 'change');
    return git(work, 'rev-parse', 'HEAD');
  };
  return {
    top,
    work,
    mirror,
    source,
    commitAll,
    async commit(files, parent) {
      if (parent !== undefined) await git(work, 'checkout', '--quiet', '-B', 'main', parent);
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(join(work, path)), { recursive: true });
        if (content === undefined) await rm(join(work, path));
        else await writeFile(join(work, path), content);
      }
      return commitAll();
    },
    async deleteBranch() {
      await git(work, 'checkout', '--quiet', '--detach');
      await git(work, 'branch', '--quiet', '-D', 'main');
    },
    dispose: () => source.close(),
  };
}

function sizes(changes: FileChange[]): Record<string, number | undefined> {
  return Object.fromEntries(changes.map(({ path, bytes }) => [path, bytes?.length]));
}

it('takes a symbolic link and a submodule for an empty file, under the id of the empty content', async () => {
  const { source, work, top, commit, commitAll } = await repository();
  const inner = join(top, 'inner');
  await git(top, 'init', '--quiet', '-b', 'main', inner);
  await writeFile(join(inner, 'f'), 'f');
  await git(inner, 'add', '-A');
  await git(inner, 'commit', '--quiet', '-m', 'inner');
  await commit({ 'routes/a/real.yaml': '/etc/passwd' });
  await symlink('/etc/passwd', join(work, 'routes/a/link.yaml'));
  await git(work, 'submodule', '--quiet', 'add', inner, 'routes/a/sub.yaml');
  const tip = await commitAll();
  await source.fetch();
  const changes = await source.changes(undefined, tip);
  expect(sizes(changes)).toEqual({ 'routes/a/link.yaml': 0, 'routes/a/real.yaml': 11, 'routes/a/sub.yaml': 0 });
  const ids = new Map(changes.map(({ path, blob }) => [path, blob]));
  expect(ids.get('routes/a/link.yaml')).not.toBe(ids.get('routes/a/real.yaml'));
  await source.close();
});

it('shows a path that is not UTF-8 with escapes', async () => {
  const { source, work, commitAll } = await repository();
  await mkdir(join(work, 'routes/a'), { recursive: true });
  await writeFile(
    Buffer.concat([Buffer.from(join(work, 'routes/a/')), Buffer.from([0xff, 0xfe]), Buffer.from('.yaml')]),
    'x',
  );
  const tip = await commitAll();
  await source.fetch();
  expect(sizes(await source.changes(undefined, tip))).toEqual({ 'routes/a/\\xff\\xfe.yaml': 1 });
  await source.close();
});

it('reads through merges along first parents only', async () => {
  const { source, work, commit } = await repository();
  await commit({ 'routes/a/x.yaml': '1', 'kokoa.yaml': 'k' });
  await git(work, 'checkout', '--quiet', '-b', 'topic');
  await commit({ 'routes/a/x.yaml': 'on the topic branch' });
  await commit({ 'routes/a/x.yaml': '2' });
  await git(work, 'checkout', '--quiet', 'main');
  await git(work, 'merge', '--quiet', '--no-ff', '-m', 'merge', 'topic');
  const tip = await source.fetch();
  const older: string[] = [];
  for await (const { bytes } of source.history('routes/a/x.yaml', tip, 10)) older.push(Buffer.from(bytes!).toString());
  expect(older).toEqual(['1']);
  // The commits of the topic branch are not the branch's own.
  const [merge, first, ...rest] = await source.firstParents(undefined, tip, 10);
  expect([merge?.commit, merge?.parent, first?.parent, rest]).toEqual([tip, first?.commit, undefined, []]);
  await source.close();
});

it('runs no hook, neither of the repository nor of the mirror', async () => {
  const { source, top, work, mirror, commit } = await repository();
  const witness = join(top, 'ran');
  for (const hook of ['post-update', 'reference-transaction', 'post-checkout', 'pre-auto-gc'])
    for (const hooks of [join(mirror, 'hooks'), join(work, '.git/hooks')]) {
      await mkdir(hooks, { recursive: true });
      await writeFile(join(hooks, hook), `#!/bin/sh\ntouch ${witness}\n`);
      await chmod(join(hooks, hook), hooks.startsWith(mirror) ? 0o755 : 0o644);
    }
  await commit({ 'kokoa.yaml': 'k' });
  await source.fetch();
  await expect(access(witness)).rejects.toThrow();
  await source.close();
});

it('starts git again when the object reader was killed', async () => {
  const { source, mirror, commit } = await repository();
  const tip = await commit({ 'kokoa.yaml': 'k' });
  await source.fetch();
  const readers: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const { stdout } = await execa('cat', [`/proc/${pid}/cmdline`], { reject: false });
    if (stdout.includes(mirror) && stdout.includes('cat-file')) readers.push(Number(pid));
  }
  expect(readers).toHaveLength(1);
  process.kill(readers[0]!, 'SIGKILL');
  await expect.poll(() => source.changes(undefined, tip).catch(() => []), { timeout: 5000 }).toHaveLength(1);
  await source.close();
});

it('fetches anew when the mirror is damaged, and goes on when a killed git left its lock', async () => {
  const { source, mirror, commit } = await repository();
  await commit({ 'kokoa.yaml': 'k' });
  await source.fetch();
  await writeFile(join(mirror, 'refs/heads/main.lock'), '');
  const second = await commit({ 'kokoa.yaml': 'l' });
  expect(await source.fetch()).toBe(second);
  for (const folder of await readdir(join(mirror, 'objects'))) {
    if (folder.length !== 2) continue;
    for (const file of await readdir(join(mirror, 'objects', folder))) {
      await chmod(join(mirror, 'objects', folder, file), 0o644);
      await truncate(join(mirror, 'objects', folder, file), 3);
    }
  }
  const third = await commit({ 'kokoa.yaml': 'm' });
  await expect.poll(() => source.fetch().catch(() => undefined), { timeout: 10_000 }).toBe(third);
  expect(sizes(await source.changes(undefined, third))).toEqual({ 'kokoa.yaml': 1 });
  await source.close();
});

it.each<[string, string, (path: string) => Promise<unknown>]>([
  ['objects are a file', 'objects', (path) => writeFile(path, 'x')],
  ['refs are a file', 'refs', (path) => writeFile(path, 'x')],
  ['a lock is a directory', 'HEAD.lock', (path) => mkdir(join(path, 'inner'), { recursive: true })],
  ['the lock of the branch is a directory', 'refs/heads/main.lock', (path) => mkdir(path)],
  ['HEAD is a directory', 'HEAD', (path) => mkdir(path)],
  ['the settings are a directory', 'config', (path) => mkdir(join(path, 'inner'), { recursive: true })],
  ['the directory for nothing is a file', 'empty', (path) => writeFile(path, 'x')],
])('mends a mirror in which %s, while it runs and at the start', async (_, name, put) => {
  const { source, work, mirror, commit } = await repository();
  await commit({ 'kokoa.yaml': 'k' });
  await source.fetch();
  const damage = async () => {
    await rm(join(mirror, name), { recursive: true, force: true });
    await put(join(mirror, name));
  };
  await damage();
  const second = await commit({ 'kokoa.yaml': 'l' });
  expect(await source.fetch()).toBe(second);
  await source.close();
  await damage();
  const again = await openGitSource({ url: work, branch: 'main', mirrorDir: mirror });
  const third = await commit({ 'kokoa.yaml': 'm' });
  expect(await again.fetch()).toBe(third);
  expect(sizes(await again.changes(undefined, third))).toEqual({ 'kokoa.yaml': 1 });
  await again.close();
});

it('takes over a mirror, also for another branch, and refuses a directory that is none', async () => {
  const { source, work, mirror, commit } = await repository();
  const tip = await commit({ 'kokoa.yaml': 'k' });
  await source.fetch();
  await source.close();
  await git(work, 'branch', 'release');
  const again = await openGitSource({ url: work, branch: 'release', mirrorDir: mirror });
  expect(await again.fetch()).toBe(tip);
  await again.close();
  await expect(openGitSource({ url: work, branch: 'main', mirrorDir: work })).rejects.toMatchObject({
    code: 'mirror_not_ours',
  });
});

it('reads a local repository that belongs to another user', async () => {
  const { source, work, commit } = await repository();
  const tip = await commit({ 'kokoa.yaml': 'k' });
  if (process.getuid?.() === 0) await execa('chown', ['-R', '12345:12345', work]);
  expect(await source.fetch()).toBe(tip);
  await source.close();
});

it('says source_unreachable for a repository that is not there, one that refuses, and one that is broken', async () => {
  const top = await temporary();
  const server = createServer((request, response) => {
    response.statusCode = request.url!.startsWith('/private') ? 401 : 500;
    response.end('<html>\u001b[31m');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const urls = [
    join(top, 'none'),
    `http://127.0.0.1:${port}/private`,
    `http://127.0.0.1:${port}/x`,
    'http://127.0.0.1:1/x',
  ];
  for (const [index, url] of urls.entries()) {
    const source = await openGitSource({ url, branch: 'main', mirrorDir: join(top, `m${index}`) });
    const error = await source.fetch().catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'source_unreachable' });
    expect(error.message).not.toContain('\u001b');
    await source.close();
  }
  server.close();
});

it('sends the credential in a header and shows it in no argument and no error', async () => {
  const top = await temporary();
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(403).end();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/r`;
  const source = await openGitSource({
    url,
    branch: 'main',
    mirrorDir: join(top, 'm'),
    authorization: 'Basic c2VjcmV0',
  });
  const error = await source.fetch().catch((thrown) => thrown);
  expect(seen[0]).toBe('Basic c2VjcmV0');
  expect(JSON.stringify([error.message, error.hint, String(error.cause)])).not.toContain('c2VjcmV0');
  await source.close();
  server.close();
});
