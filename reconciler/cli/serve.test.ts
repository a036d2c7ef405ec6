// `kokoa serve` as a person starts it: the help, the greeting, the branch it follows, what it refuses, and that it ends.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FLEET } from '../site.fixture.ts';
import { followedBranch } from './followed-branch.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const COLUMNS = 80;
const END_MS_MAX = 8000;
/** A program starts slowly where many tests run at once. */
const START = { timeout: 60_000 };

let top: string;
let repository: string;
beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'kokoa-serve-'));
  repository = join(top, 'r');
  await git(top, 'init', '--quiet', '-b', 'main', repository);
  for (const [path, text] of Object.entries(FLEET)) {
    await mkdir(dirname(join(repository, path)), { recursive: true });
    await writeFile(join(repository, path), text!);
  }
  await git(repository, 'add', '-A');
  await git(repository, 'commit', '--quiet', '-m', 'data');
});
afterEach(() => rm(top, { recursive: true, force: true }));

async function git(cwd: string, ...args: string[]): Promise<void> {
  const env = { PATH: process.env.PATH!, HOME: cwd, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };
  await execa('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { cwd, env, extendEnv: false });
}

function kokoa(...args: string[]) {
  const env = { COLUMNS: String(COLUMNS), NO_COLOR: '1', HOME: top };
  return execa(process.execPath, [MAIN, ...args], { cwd: repository, env, reject: false, timeout: 60_000 });
}

it.each(['--help', 'serve --help'])('explains %s in 80 columns', START, async (args) => {
  const { stdout, exitCode } = await kokoa(...args.split(' '));
  expect(exitCode).toBe(0);
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(COLUMNS);
});

it('greets, publishes, and ends with exit code 0 at SIGTERM', START, async () => {
  const program = kokoa('serve', '--listen', '127.0.0.1:0');
  let log = '';
  program.stderr.on('data', (data) => {
    log += data;
  });
  await expect.poll(() => log, { timeout: 50_000 }).toContain('published commit=');
  program.kill('SIGTERM');
  const { stdout, exitCode, durationMs } = await program;
  expect(exitCode).toBe(0);
  expect(durationMs).toBeGreaterThan(0);
  expect(stdout).toMatch(
    /^serving {6}http:\/\/127\.0\.0\.1:\d+\nfollowing {4}main of .*\/r\n {13}looked at every 2 s\nfingerprint {2}[0-9a-f]{64}\nkeys {9}development/,
  );
  expect(stdout).toContain(`\nto stop it   Ctrl-C, or kill ${program.pid}\n`);
  expect(stdout).toContain('commit it on main, and it is published');
  expect(stdout).toContain('\n  kokoa route add blog.hoge.com --origin home --port 9000\n');
  for (const line of stdout.split('\n'))
    if (!line.startsWith('following')) expect(line.length).toBeLessThanOrEqual(COLUMNS);
});

it.each([
  ['none', 'there is no such folder'],
  ['r/kokoa.yaml', 'it is no folder'],
])('says at the start of the secrets directory %s that %s', START, async (name, why) => {
  const program = kokoa('serve', '--listen', '127.0.0.1:0', '--secrets', join(top, name));
  let said = '';
  program.stdout.on('data', (data) => {
    said += data;
  });
  await expect.poll(() => said, { timeout: 50_000 }).toContain('to stop it');
  program.kill('SIGTERM');
  const { stdout } = await program;
  expect(stdout).toContain(`\nsecrets      ${join(top, name)}: ${why}\n`);
});

it('publishes a commit beside it within seconds', START, async () => {
  const program = kokoa('serve', '--listen', '127.0.0.1:0');
  let log = '';
  program.stderr.on('data', (data) => {
    log += data;
  });
  try {
    await expect.poll(() => log, { timeout: 50_000 }).toContain('published commit=');
    await writeFile(join(repository, 'routes', 'hoge', 'late.yaml'), 'hostname: late.hoge.com\norigin: o1\nport: 80\n');
    await git(repository, 'add', '-A');
    await git(repository, 'commit', '--quiet', '-m', 'late');
    await expect.poll(() => log.match(/published commit=/g)?.length, { timeout: 20_000 }).toBeGreaterThan(1);
  } finally {
    program.kill('SIGTERM');
    await program;
  }
});

it('ends soon at SIGTERM though git hangs', START, async () => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await expect.poll(() => silent.address()).not.toBeNull();
  const asked = new Promise((resolve) => silent.once('request', resolve));
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/r`;
  try {
    const program = kokoa('serve', '--listen', '127.0.0.1:0', '--repository', url);
    await asked;
    const sinceMs = performance.now();
    program.kill('SIGTERM');
    const { exitCode } = await program;
    expect([exitCode, performance.now() - sinceMs < END_MS_MAX]).toEqual([0, true]);
  } finally {
    silent.closeAllConnections();
    silent.close();
  }
});

it.each<[string, string[], number, RegExp]>([
  ['no address', ['--listen', 'nowhere'], 2, /--listen: found nowhere, expected HOST:PORT/],
  ['an unknown log format', ['--log-format', 'xml'], 2, /text, json/],
  ['no number of seconds', ['--poll-seconds', '0'], 2, /--poll-seconds: found 0, expected a number from 1 to 3600/],
  ['half of a TLS pair', ['--tls-cert', 'x.pem'], 2, /belong together/],
  ['a secret that is not there', ['--webhook-secret-file', 'none'], 2, /none cannot be read: ENOENT/],
  ['a folder without a repository', ['--repository', tmpdir()], 1, /is no git repository .*\n {2}.*--repository URL/],
  [
    'a public address without keys',
    ['--listen', '0.0.0.0:0'],
    1,
    /must not be served.*\n.*\n.*init --production --dir/,
  ],
  ['keys that are not there', ['--keys', 'none'], 1, /no keys in none .*\n.*\n.*init --production --dir none /],
])('refuses %s, with what to do and no stack trace', START, async (_, args, code, words) => {
  const { stderr, stdout, exitCode } = await kokoa('serve', ...args);
  expect([exitCode, stdout]).toEqual([code, '']);
  expect(stderr).toMatch(words);
  expect(stderr).not.toMatch(/^\s+at /m);
});

it('does not serve development keys that were named, and says how to make others', START, async () => {
  await kokoa('keys', 'init', '--dir', 'tried');
  const { stderr, exitCode } = await kokoa('serve', '--keys', 'tried', '--listen', '0.0.0.0:0');
  expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/development keys .*\n.*\n.*--production --dir DIR/)]);
});

describe('the branch that is followed', () => {
  it('is main on main, with nothing to note', async () => {
    expect(await followedBranch(repository, undefined)).toEqual({ branch: 'main', notes: [] });
  });

  it('stays main on another branch, and says how to follow that', async () => {
    await git(repository, 'checkout', '--quiet', '-b', 'topic');
    const notes = [
      'you are on branch topic; only commits on main count',
      'to follow yours: kokoa serve --branch topic',
    ];
    expect(await followedBranch(repository, undefined)).toEqual({ branch: 'main', notes });
    expect(await followedBranch(repository, 'topic')).toEqual({ branch: 'topic', notes: [] });
  });

  it('is the one checked out where there is no main', async () => {
    await git(repository, 'branch', '--quiet', '-m', 'trunk');
    const notes = ['there is no branch main here, so the one checked out is followed'];
    expect(await followedBranch(repository, undefined)).toEqual({ branch: 'trunk', notes });
    expect((await followedBranch(repository, 'main')).branch).toBe('main');
  });

  it('is main where none is checked out', async () => {
    await git(repository, 'checkout', '--quiet', '--detach');
    const notes = ['no branch is checked out here; only commits on main count'];
    expect(await followedBranch(repository, undefined)).toEqual({ branch: 'main', notes });
  });

  it('is main of any other place, unseen', async () => {
    expect(await followedBranch('https://git.example/r.git', undefined)).toEqual({ branch: 'main', notes: [] });
    expect(await followedBranch('https://git.example/r.git', 'live')).toEqual({ branch: 'live', notes: [] });
  });

  it('comes with a word about data that is not committed', async () => {
    await writeFile(join(repository, 'routes', 'hoge', 'new.yaml'), 'x');
    await writeFile(join(repository, 'notes.txt'), 'x');
    const notes = ['1 data file is not committed; only commits on main count'];
    expect(await followedBranch(repository, undefined)).toEqual({ branch: 'main', notes });
  });
});
