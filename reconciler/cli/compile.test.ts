// The compile command around the compiler: what it refuses to read, what it refuses to replace, and what it says.
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { announcement, bound } from '../core/world.fixture.ts';
import { registerCompile } from './compile.ts';

const EXAMPLE = join(import.meta.dirname, '../../test/golden-compile/001-example');

let scratch: string;
let dir: string;
let out: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'kokoa-compile-'));
  dir = join(scratch, 'data');
  out = join(scratch, 'out');
  cpSync(join(EXAMPLE, 'input'), dir, { recursive: true });
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(scratch, { recursive: true, force: true });
});

async function kokoaCompile(...args: string[]) {
  const shown = { stdout: '', stderr: '' };
  const show = (stream: keyof typeof shown) => (text: unknown) => {
    shown[stream] += text;
    return true;
  };
  vi.spyOn(console, 'log').mockImplementation((line) => void show('stdout')(`${line}\n`));
  vi.spyOn(console, 'error').mockImplementation((line) => void show('stderr')(`${line}\n`));
  vi.spyOn(process.stdout, 'write').mockImplementation(show('stdout'));
  const program = new Command().exitOverride();
  registerCompile(program);
  try {
    await program.parseAsync(['compile', dir, '--out', out, ...args], { from: 'user' });
    return { ...shown, exitCode: process.exitCode ?? 0 };
  } finally {
    vi.restoreAllMocks();
    process.exitCode = undefined;
  }
}

function enrolmentsFile(content: unknown): string[] {
  const path = join(scratch, 'enrolments.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return ['--enrolments', path];
}

test('errors in the data are printed as validate prints them, with exit code 1 and nothing written', async () => {
  writeFileSync(join(dir, 'routes/hoge/app.hoge.com.yaml'), 'hostname: app.hoge.com\norigin: hom\nport: 8080\n');
  const { stdout, exitCode } = await kokoaCompile();
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/^routes\/hoge\/app\.hoge\.com\.yaml:2:9 error KK\d+/);
  expect(existsSync(out)).toBe(false);
});

test('nodes without keys are left out and named on stderr', async () => {
  const { stderr, stdout } = await kokoaCompile();
  expect(stderr).toContain('origin home: not announced: WireGuard key\n');
  expect(stdout).toBe(`wrote 4 configs and 1 chunks to ${out}\n`);
});

test('both forms of enrolments count; an old one of another token and generation, and a stranger, do not', async () => {
  const peers = async (content: unknown) => {
    await kokoaCompile(...enrolmentsFile(content));
    const config = JSON.parse(readFileSync(join(out, 'tokyo-1/config.json'), 'utf8'));
    return config.wireguard.peers.map(({ node }: { node: string }) => node);
  };
  const home = announcement('home');
  const list = (generation: number) => [{ ...bound('home', {}, { generation }), enrolment: home }];
  expect(await peers({ home, stranger: announcement('x') })).toEqual(['home']);
  expect(await peers(list(1))).toEqual(['home']);
  expect(await peers(list(2))).toEqual([]);
});

test.each([
  ['no JSON', '{', 'found no JSON'],
  ['a text', '"x"', 'neither an object nor an array'],
  ['a key that is none', { home: { ...announcement('home'), wireguardPublicKey: 'x' } }, 'home: /wireguardPublicKey'],
  ['an entry without a node', [{ enrolment: announcement('home') }], 'entry 0'],
  ['an empty entry', [null], 'entry 0'],
])('enrolments that hold %s are refused with the place', async (_, content, words) => {
  await expect(kokoaCompile(...enrolmentsFile(content))).rejects.toMatchObject({
    code: 'enrolments_invalid',
    message: expect.stringContaining(words),
  });
  expect(existsSync(out)).toBe(false);
});

test.each([
  ['a local time', ['--now', '2026-11-21T12:00:00']],
  ['a word for a time', ['--now', 'tomorrow']],
  ['a day that does not exist', ['--now', '2026-13-01T00:00:00Z']],
  ['a file that is missing', ['--enrolments', '/nonexistent/file.json']],
])('%s is wrong usage', async (_, args) => {
  await expect(kokoaCompile(...args)).rejects.toMatchObject({ code: 'usage' });
});

test('an earlier tree is replaced as a whole, with nothing of it left and nothing beside it', async () => {
  await kokoaCompile();
  rmSync(join(dir, 'edges/osaka-1.yaml'));
  await kokoaCompile();
  expect(readdirSync(out).sort()).toEqual(['chunks', 'home', 'office', 'tokyo-1']);
  expect(readdirSync(scratch).sort()).toEqual(['data', 'out']);
  expect((statSync(out).mode & 0o777).toString(8)).toBe('755');
});

test.each([
  ['a foreign file', (place: string) => writeFileSync(join(place, 'notes.txt'), '')],
  ['a foreign file among configs', (place: string) => cpSync(dir, join(place, 'home'), { recursive: true })],
  ['a link', (place: string) => symlinkSync('/etc', join(place, 'home'))],
  ['a folder in a folder', (place: string) => mkdirSync(join(place, 'home/config.json'), { recursive: true })],
])('a directory that holds %s is not replaced', async (_, make) => {
  mkdirSync(out);
  make(out);
  const before = readdirSync(out, { recursive: true });
  await expect(kokoaCompile()).rejects.toMatchObject({ code: 'out_foreign' });
  expect(readdirSync(out, { recursive: true })).toEqual(before);
});

test('an empty directory is taken, the data folder itself is not, and a file is no directory', async () => {
  mkdirSync(out, { mode: 0o700 });
  chmodSync(out, 0o700);
  expect((await kokoaCompile()).exitCode).toBe(0);
  out = dir;
  await expect(kokoaCompile()).rejects.toMatchObject({ code: 'out_foreign' });
  out = join(dir, 'kokoa.yaml');
  await expect(kokoaCompile()).rejects.toMatchObject({ code: 'out_unwritable' });
});
