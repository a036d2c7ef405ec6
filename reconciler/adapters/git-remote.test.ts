// Which remotes and branches git may be given.
import { expect, it } from 'vitest';
import { judgeBranch, parseRemote } from './git-remote.ts';

const accepted: [string, string][] = [
  ['https://github.com/octo-org/edge.git', 'https'],
  ['https://git.example.com:8443/x', 'https'],
  ['ssh://git@github.com/octo-org/edge.git', 'ssh'],
  ['git@github.com:octo-org/edge.git', 'ssh'],
  ['/srv/git/edge.git', 'file'],
  ['file:///srv/git/edge.git', 'file'],
  ['./edge', 'file'],
  ['-x', 'file'],
  ['http://127.0.0.1:3000/x', 'http'],
  ['http://[::1]:3000/x', 'http'],
  ['http://localhost/x', 'http'],
];
it.each(accepted)('accepts %s as %s', (url, protocol) => {
  const remote = parseRemote(url);
  expect(remote.protocol).toBe(protocol);
  expect(remote.url.startsWith('-')).toBe(false);
});

const refused = [
  '',
  'http://github.com/octo-org/edge.git',
  'http://127.0.0.1.example.com/x',
  'git://github.com/x',
  'ext::sh -c id',
  'ext::id',
  'fd::3',
  'https://user:secret@github.com/x',
  'https://token@github.com/x',
  'ssh://-oProxyCommand=id/x',
  'ssh://-oProxyCommand=id@host/x',
  '-oProxyCommand=id@host:x',
  'git@-oProxyCommand=id:x',
  'git@host:-x',
  'github.com:octo-org/edge.git',
  'https://exa mple.com/x',
  'https://example.com/x\n[core]',
  '/srv/git\u0000',
  'x'.repeat(3000),
  'ftp://example.com/x',
  'file://host/share',
];
it.each(refused)('refuses %j', (url) => {
  expect(() => parseRemote(url)).toThrow(expect.objectContaining({ code: 'remote_refused' }));
});

it('never repeats a secret that stood in a URL', () => {
  expect(() => parseRemote('https://user:hunter2@github.com/x')).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
  );
});

it.each(['main', 'release/2026-11', 'feature#1', 'ブランチ'])('accepts the branch %s', (branch) => {
  expect(judgeBranch(branch)).toBe(branch);
});

const badBranches = [
  '',
  '-x',
  '--upload-pack=id',
  'a b',
  'a..b',
  'a:b',
  'a~1',
  'a^',
  '@{u}',
  '@',
  'a.lock',
  'a/',
  '/a',
  'a//b',
  'a/.b',
  'a\\b',
  'a*',
  '.a',
  'a\n',
  'x'.repeat(300),
];
it.each(badBranches)('refuses the branch %j', (branch) => {
  expect(() => judgeBranch(branch)).toThrow(expect.objectContaining({ code: 'branch_refused' }));
});
