// What an edge accepts as a list of users, and what its routes need.
import { expect, it } from 'vitest';
import type { WireRoute } from '../../bundle/config.ts';
import { isUsersFileName, neededUsers, usersFileName, usersProblem } from './users-file.ts';

const APR1 = 'alice:$apr1$itvs33EV$nz03puzIXh79D0ZXL06kC.';
const BCRYPT = 'RrcMfSFu36OtvsAgt2R.W.pYfAwiGNPaCAJka.o8LrJaVbQFX6w2.';

it.each([`${APR1}\n`, `${APR1}\nJane Doe:$2y$08$${BCRYPT}\n`])('accepts %j', (text) => {
  expect(usersProblem(text)).toBeUndefined();
});

it.each<[string, string]>([
  ['nothing', ''],
  ['no last line feed', APR1],
  ['an empty line', `${APR1}\n\n`],
  ['a comment', `# x\n${APR1}\n`],
  ['a carriage return', `${APR1}\r\n`],
  ['a password', 'alice:{PLAIN}secret-canary\n'],
  ['DES crypt', 'alice:abhfCpXqd4GrI\n'],
  ['what takes too long', `alice:$2y$12$${BCRYPT}\n`],
  ['many rounds', `alice:$6$rounds=10000$abcdefgh$${'x'.repeat(86)}\n`],
  ['a third field', `${APR1}:x\n`],
  ['a name with a control character', `a\u0000b:${APR1.slice(6)}\n`],
  ['too many', `${APR1}\n`.repeat(101)],
  ['too much', `${'a'.repeat(60)}:$2y$05$${BCRYPT}\n`.repeat(40)],
])('refuses %s and repeats none of it', (_, text) => {
  expect(usersProblem(text)).toMatch(/^(line \d+ is|found)/);
  expect(usersProblem(text)).not.toMatch(/alice|canary|\$/);
});

it('names a file by its sealed text and nothing else', () => {
  const name = usersFileName('YWdl');
  expect(name).toMatch(/^[0-9a-f]{32}\.htpasswd$/);
  expect([usersFileName('YWdl') === name, usersFileName('YWdm') === name]).toEqual([true, false]);
  expect(isUsersFileName(name)).toBe(true);
  for (const other of ['', 'none', `../${name}`, `.${name}`, `${name}x`, name.toUpperCase()])
    expect(isUsersFileName(other)).toBe(false);
});

it('finds every list that a host or one of its paths asks with', () => {
  const route = (hostname: string, more: Partial<WireRoute>): WireRoute => ({
    ...{ hostname, backends: [], limits: { maxBodyBytes: 1 }, ...more },
  });
  const basic = (sealed?: string) => ({ kind: 'basic' as const, ...(sealed && { sealed }) });
  const forward = { kind: 'forward' as const, address: '10.0.0.1', port: 1, path: '/' };
  const path = (prefix: string, auth?: WireRoute['auth']) => ({ prefix, backends: [], ...(auth && { auth }) });
  const chunks = [
    { routes: [route('a', { auth: basic('one'), paths: [path('/x', basic('two')), path('/y', basic('one'))] })] },
    { routes: [route('b', { auth: forward, paths: [path('/x', basic('one')), path('/y')] })] },
    { routes: [route('c', { auth: basic(), paths: [path('/x', basic())] }), route('d', {})] },
  ];
  expect(neededUsers(chunks)).toEqual({
    sealed: new Map([
      ['one', ['a', 'b']],
      ['two', ['a']],
    ]),
    unsent: ['c'],
  });
});
