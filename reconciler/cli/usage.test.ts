// What `kokoa` says about wrong usage, as a person meets it.
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { rules } from '../core/rules.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
/** A program starts slowly where many tests run at once. */
const START = { timeout: 60_000 };

async function kokoa(...args: string[]) {
  const { stdout, stderr, exitCode } = await execa(process.execPath, [MAIN, ...args], { reject: false });
  return { stdout, stderr, exitCode };
}

test.each([
  [
    'a mistyped option before a missing one',
    'route add x.hoge.com --orign home',
    "error: unknown option '--orign'\n(Did you mean --origin?)\n(kokoa route add --help explains it)",
  ],
  [
    'all that is missing at once',
    'route add x.hoge.com',
    'error: 2 required options are not specified\n' +
      '  --origin <origin>  the machine that runs the service\n  --port <port>      the TCP port of the service\n' +
      '(kokoa route add --help explains it)',
  ],
  [
    'one that is missing',
    'compile',
    "error: required option '--out <out>' not specified\n  --out <out>  the directory to write\n(kokoa compile --help explains it)",
  ],
  ['an unknown command', 'help nope', "error: unknown command 'nope'\n(kokoa --help lists the commands)"],
  [
    'a rule that is not there',
    'explain KK999',
    'error: found the rule "KK999", expected such as KK112 (usage)\n  all of them: kokoa explain',
  ],
])('%s is named: kokoa %s', START, async (_, args, stderr) => {
  expect(await kokoa(...args.split(' '))).toEqual({ stdout: '', stderr, exitCode: 2 });
});

test('help knows a command by all its words', START, async () => {
  const { stdout, exitCode } = await kokoa('help', 'route', 'add');
  expect([exitCode, stdout]).toEqual([0, (await kokoa('route', 'add', '--help')).stdout]);
  expect(stdout).toContain('--host <address>');
});

test('explain says what a rule is for, and lists them all', START, async () => {
  const { title, why, fix } = rules.KK112;
  expect((await kokoa('explain', 'kk112')).stdout).toBe(`KK112: ${title}\n\nWhy: ${why}\nDo:  ${fix}`);
  expect((await kokoa('explain')).stdout.split('\n')).toHaveLength(Object.keys(rules).length);
});
