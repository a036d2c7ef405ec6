// The options that lead to GitHub: what is taken is spoken with for real on the double, what is not is named before anything is asked.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startGithub } from '../adapters/github.fixture.ts';
import { APP_ID, APP_KEY, TOKEN } from '../adapters/github-double.fixture.ts';
import { BRANCH, OWNER, REPOSITORY } from '../adapters/github-state.fixture.ts';
import { addGithubOptions, forgeOf, type GithubCliOptions } from './github-options.ts';

const NAME = `${OWNER}/${REPOSITORY}`;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'kokoa-github-options-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function file(name: string, text: string, mode = 0o600): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

function parsed(...args: string[]): GithubCliOptions {
  const command = addGithubOptions(new Command().exitOverride());
  return command.parse(args, { from: 'user' }).opts();
}

const forge = (...args: string[]) => forgeOf(parsed(...args), BRANCH);

test('without any option nothing speaks to GitHub', async () => {
  expect(await forge()).toBeUndefined();
});

test.each([
  ['a token', () => ['--github-token-file', file('token', `${TOKEN}\n`)]],
  ['a token that the group may read', () => ['--github-token-file', file('token', TOKEN, 0o440)]],
  ['an App', () => ['--github-app-id', String(APP_ID), '--github-app-key', file('key.pem', APP_KEY)]],
])('%s is taken, and the repository answers', async (_, credential) => {
  const { double } = await startGithub();
  const found = await forge('--github', NAME, '--github-api', double.url, ...credential());
  expect(await found!.openPullRequests()).toEqual([]);
  found!.close();
  await double.close();
});

test('a token that is exchanged in its file is used from then on', async () => {
  const { double } = await startGithub();
  const path = file('token', 'expired');
  const found = await forge('--github', NAME, '--github-api', double.url, '--github-token-file', path);
  await expect(found!.openPullRequests()).rejects.toMatchObject({ code: 'forge_unauthorised' });
  file('token', TOKEN);
  expect(await found!.openPullRequests()).toEqual([]);
  found!.close();
  await double.close();
});

const token = () => file('token', TOKEN);
const key = () => file('key.pem', APP_KEY);
test.each<[string, () => string[], RegExp]>([
  ['options without a repository', () => ['--github-token-file', token()], /without a repository/],
  ['an address without a repository', () => ['--github-api', 'https://ghe.example/api/v3'], /without a repository/],
  ['no credential', () => ['--github', NAME], /needs one credential/],
  [
    'two credentials',
    () => ['--github', NAME, '--github-token-file', token(), '--github-app-id', '1', '--github-app-key', key()],
    /needs one credential/,
  ],
  ['half of an App', () => ['--github', NAME, '--github-app-id', '1'], /needs one credential/],
  [
    'a token and half of an App',
    () => ['--github', NAME, '--github-token-file', token(), '--github-app-id', '1'],
    /needs one credential/,
  ],
  ['an id that is none', () => ['--github', NAME, '--github-app-id', '1e3', '--github-app-key', key()], /a number/],
  ['a name without owner', () => ['--github', 'fleet', '--github-token-file', token()], /OWNER\/REPOSITORY/],
  ['a path', () => ['--github', 'a/../b', '--github-token-file', token()], /OWNER\/REPOSITORY/],
  ['a name that leads elsewhere', () => ['--github', '../b', '--github-token-file', token()], /OWNER\/REPOSITORY/],
  [
    'plain http',
    () => ['--github', NAME, '--github-api', 'http://ghe.example', '--github-token-file', token()],
    /expected https/,
  ],
  ['no file', () => ['--github', NAME, '--github-token-file', join(dir, 'none')], /ENOENT/],
  ['an empty file', () => ['--github', NAME, '--github-token-file', file('token', ' \n')], /is empty/],
  ['a file too large', () => ['--github', NAME, '--github-token-file', file('token', 'x'.repeat(5000))], /5000 bytes/],
  ['a folder', () => ['--github', NAME, '--github-token-file', folder()], /no plain file/],
  [
    'a file that all can read',
    () => ['--github', NAME, '--github-token-file', file('token', TOKEN, 0o644)],
    /has mode 644, expected 600/,
  ],
  [
    'a key that the group can change',
    () => ['--github', NAME, '--github-app-id', '1', '--github-app-key', file('key.pem', APP_KEY, 0o660)],
    /has mode 660/,
  ],
])('%s is wrong usage, and no secret is in the message', async (_, args, message) => {
  const error = await forge(...args()).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'usage', message: expect.stringMatching(message) });
  expect(JSON.stringify([String(error), error])).not.toContain(TOKEN);
});

test.each(['https://github.com/octo-org/fleet.git', 'git@github.com:octo-org/fleet.git'])(
  'who pastes %s is told the name in it',
  async (pasted) => {
    const hint = 'Did you mean --github octo-org/fleet?';
    await expect(forge('--github', pasted, '--github-token-file', token())).rejects.toMatchObject({ hint });
  },
);

function folder(): string {
  const path = join(dir, 'folder');
  mkdirSync(path, { mode: 0o700 });
  return path;
}
