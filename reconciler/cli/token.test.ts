// The tokens of teams on the command line: shown exactly once, and kokoa.yaml otherwise as it was.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { sha256Hex } from '../../bundle/canonical.ts';
import { emptyDesired, updateDesired } from '../core/desired.ts';
import { loadFile } from '../core/load.ts';
import { secretsIn } from '../core/secret-shapes.ts';
import { judgeTeamToken } from '../core/team-token.ts';
import { registerToken } from './token.ts';
import { judgeDir } from './validate.ts';

const EXAMPLE = join(import.meta.dirname, '../../test/golden-compile/001-example/input');

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'kokoa-token-'));
  cpSync(EXAMPLE, dir, { recursive: true });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
  rmSync(dir, { recursive: true, force: true });
});

async function kokoa(...args: string[]) {
  const shown = { stdout: '', stderr: '' };
  const show = (stream: keyof typeof shown) => (line: unknown) => {
    shown[stream] += `${line}\n`;
  };
  vi.spyOn(console, 'log').mockImplementation(show('stdout'));
  vi.spyOn(console, 'error').mockImplementation(show('stderr'));
  const program = new Command().exitOverride();
  registerToken(program);
  await program.parseAsync(['token', ...args, '--dir', dir], { from: 'user' });
  return shown;
}

const text = () => readFileSync(join(dir, 'kokoa.yaml'), 'utf8');
const write = (kokoaYaml: string) => writeFileSync(join(dir, 'kokoa.yaml'), kokoaYaml);
const desired = () => {
  const bytes = Buffer.from(text());
  return updateDesired(emptyDesired(), [{ path: 'kokoa.yaml', file: loadFile('kokoa.yaml', 'b', bytes) }]);
};
const judge = (token: string) => judgeTeamToken(token, { live: desired(), newest: desired() });
const errors = () => judgeDir(dir).problems.filter(({ severity }) => severity === 'error');

describe('token add', () => {
  test('writes the hash, prints the token once, and changes nothing else', async () => {
    const before = text();
    const { stdout, stderr } = await kokoa('add', '--team', 'hoge');
    const token = stdout.trimEnd();
    expect(token).toMatch(/^kokoa_team_[\w-]{43}$/);
    expect(stderr + text()).not.toContain(token);
    expect(errors()).toEqual([]);
    const added = `    tokens:\n      - name: api\n        sha256: ${sha256Hex(token)}\n`;
    expect(text()).toContain(added);
    expect(text().replace(added, '')).toBe(before);
    expect(judge(token)).toEqual({ kind: 'ok', team: 'hoge', tokenName: 'api' });
    expect(secretsIn(`a: ${token}`, 1)).toMatchObject([{ length: 54 }]);
  });

  test('says how a file with the token is kept from others, in 80 columns', async () => {
    const { stderr } = await kokoa('add', '--team', 'hoge');
    expect(stderr).toMatch(/chmod 600 FILE, .* umask 077 first/);
    expect(stderr.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  test('gives each its name, and every one another token', async () => {
    const tokens = [];
    for (const name of [[], [], ['--name', 'ci']])
      tokens.push((await kokoa('add', '--team', 'hoge', ...name)).stdout.trim());
    expect(tokens.map((token) => judge(token))).toMatchObject([
      { tokenName: 'api' },
      { tokenName: 'api-2' },
      { tokenName: 'ci' },
    ]);
    expect(new Set(tokens).size).toBe(3);
  });

  test('keeps every comment of a file with a layout of its own', async () => {
    write(
      text()
        .replace(/^teams:\n( *)- name: hoge\n/m, '# whose\nteams:\n$1# the first\n$1- name:   hoge   # us\n')
        .concat('# the end\n'),
    );
    const { stdout } = await kokoa('add', '--team', 'hoge');
    for (const comment of ['# whose\nteams:\n  # the first', '# the first\n  - name: hoge # us', '\n# the end\n'])
      expect(text()).toContain(comment);
    expect(judge(stdout.trim()).kind).toBe('ok');
  });

  test.each<[string, string[], string]>([
    ['a team that is not there', ['--team', 'hoga'], 'did you mean hoge?'],
    ['an odd name', ['--team', 'hoge', '--name', 'A B'], 'lower-case'],
  ])('refuses %s and writes nothing', async (_, args, words) => {
    const before = text();
    const error = await kokoa('add', ...args).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'usage' });
    expect(`${(error as Error).message} ${(error as { hint?: string }).hint}`).toContain(words);
    expect(text()).toBe(before);
  });

  test('refuses a name that is taken, and an eleventh token', async () => {
    await kokoa('add', '--team', 'hoge', '--name', 'ci');
    await expect(kokoa('add', '--team', 'hoge', '--name', 'ci')).rejects.toMatchObject({ code: 'name_taken' });
    for (let count = 2; count <= 10; count += 1) await kokoa('add', '--team', 'hoge');
    const before = text();
    vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
    const { stdout } = await kokoa('add', '--team', 'hoge');
    expect([stdout, process.exitCode, text()]).toEqual(['', 1, before]);
  });
});

describe('token revoke', () => {
  test('takes one away, and the last with its block', async () => {
    const before = text();
    const first = (await kokoa('add', '--team', 'hoge')).stdout.trim();
    const second = (await kokoa('add', '--team', 'hoge', '--name', 'ci')).stdout.trim();
    await kokoa('revoke', '--team', 'hoge', '--name', 'api');
    expect([judge(first).kind, judge(second).kind]).toEqual(['unauthorized', 'ok']);
    await kokoa('revoke', '--team', 'hoge', '--name', 'ci');
    expect(judge(second).kind).toBe('unauthorized');
    expect(text()).toBe(before);
  });

  test('knows what was probably meant', async () => {
    await kokoa('add', '--team', 'hoge', '--name', 'deploy');
    await expect(kokoa('revoke', '--team', 'hoge', '--name', 'deplyo')).rejects.toMatchObject({
      code: 'name_unknown',
      hint: 'did you mean deploy?',
    });
  });
});
