// The questions of `kokoa seal`: what is asked again, and that no key of a password is ever written to the screen.
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { askForUsers } from './seal-users.ts';

const PASSWORD = 'Zq7-canary-Zq7';

/** Types `keys` in pieces of `size`, as a person or a paste would. */
async function typed(keys: string, size = keys.length) {
  const [input, output] = [new PassThrough(), new PassThrough()];
  let screen = '';
  output.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
  });
  const result = askForUsers(input, output).then(
    (users) => ({ users }),
    (error: Error) => ({ error }),
  );
  for (let at = 0; at < keys.length; at += size) {
    input.write(keys.slice(at, at + size));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { ...(await result), screen: () => screen };
}

const one = ['alice', PASSWORD, PASSWORD, '', ''].join('\r');

it.each([1, 5, one.length])(
  'hashes what is typed in pieces of %d characters, and shows nothing of it',
  async (size) => {
    const result = await typed(one, size);
    expect(result).toMatchObject({
      users: { names: ['alice'], text: expect.stringMatching(/^alice:\$2b\$05\$.{53}\n$/) },
    });
    expect(result.screen()).toContain('Name: ');
    expect(result.screen()).not.toMatch(/Zq7|canary/);
    if (size === one.length) expect(result.screen()).toContain('Again: ');
  },
);

it.each<[string, string[], string]>([
  ['two passwords that differ', ['bob', PASSWORD, `${PASSWORD}x`], 'the two are not the same'],
  ['a short one', ['bob', 'Zq7'], 'expected 8 characters or more'],
  ['one that bcrypt would cut', ['bob', `canary${'x'.repeat(70)}`], 'expected at most 72'],
  ['one that browsers send in different ways', ['bob', 'canary-äöü'], 'signs of ASCII'],
  ['a name with a colon', ['a:b'], 'found a name with other characters'],
  ['no name at first', [''], 'expected a name'],
])('asks again after %s', async (_, before, words) => {
  const result = await typed([...before, 'alice', PASSWORD, PASSWORD, '', ''].join('\r'));
  expect(result).toMatchObject({ users: { names: ['alice'] } });
  expect(result.screen()).toContain(words);
  expect(result.screen()).not.toMatch(/Zq7|canary/);
});

it('takes a name once', async () => {
  const result = await typed(['alice', PASSWORD, PASSWORD, 'alice', 'bob', PASSWORD, PASSWORD, '', ''].join('\r'));
  expect(result).toMatchObject({ users: { names: ['alice', 'bob'] } });
  expect(result.screen()).toContain('that name is there already');
});

it.each([
  ['Ctrl-C', `alice\r${PASSWORD}\x03`],
  ['Ctrl-D', 'alice\r\x04'],
  ['nonsense without end', 'a:b\r'.repeat(500)],
])('ends at %s with nothing sealed', async (_, keys) => {
  const result = await typed(keys);
  expect(result).toMatchObject({ error: { name: 'KokoaError' } });
  expect(result.screen()).not.toMatch(/Zq7|canary/);
});
