import {
  chmodSync,
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
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { replaceSame } from './fmt-write.ts';

const MAIN = join(import.meta.dirname, '..', 'main.ts');
const UGLY = '# about\nport: 80\norigin: "home"\nhostname: app.hoge.com # name\n';
const NEAT = '# about\nhostname: app.hoge.com # name\norigin: home\nport: 80\n';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'kokoa-fmt-'));
  put('routes/hoge/ugly.yaml', UGLY);
  put('routes/hoge/neat.yaml', NEAT);
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), text);
}

const read = (path: string) => readFileSync(join(dir, path), 'utf8');

async function fmt(...args: string[]) {
  const { stdout, stderr, exitCode } = await execa(process.execPath, [MAIN, 'fmt', ...args], {
    cwd: dir,
    reject: false,
  });
  return { stdout, stderr, exitCode };
}

describe('kokoa fmt', { timeout: 60_000 }, () => {
  it('names what it would change and writes nothing with --check, then writes it, then has nothing to do', async () => {
    chmodSync(join(dir, 'routes/hoge/ugly.yaml'), 0o600);
    const checked = await fmt('--check');
    expect(checked).toEqual({ stdout: 'would change routes/hoge/ugly.yaml', stderr: '', exitCode: 1 });
    expect(read('routes/hoge/ugly.yaml')).toBe(UGLY);
    expect(await fmt('.')).toEqual({ stdout: 'formatted routes/hoge/ugly.yaml', stderr: '', exitCode: 0 });
    expect(read('routes/hoge/ugly.yaml')).toBe(NEAT);
    expect(statSync(join(dir, 'routes/hoge/ugly.yaml')).mode & 0o777).toBe(0o600);
    expect(await fmt('--check')).toEqual({ stdout: 'ok: 2 files', stderr: '', exitCode: 0 });
    expect(readdirSync(join(dir, 'routes/hoge'))).toEqual(['neat.yaml', 'ugly.yaml']);
  });

  it('leaves alone, and names, what cannot be read, links and secrets, and lays out the rest', async () => {
    const conflict = 'port: 1\n<<<<<<< a\nport: 2\n=======\nport: 3\n>>>>>>> b\n';
    const key = ['-----BEGIN', 'PRIVATE', 'KEY-----'].join(' ');
    put('routes/hoge/broken.yaml', 'port:  [1\n');
    put('routes/hoge/conflict.yaml', conflict);
    put('routes/hoge/secret.yaml', `port:  1\nzzz: ${key}\n`);
    put('outside.txt', UGLY);
    symlinkSync('../../outside.txt', join(dir, 'routes/hoge/link.yaml'));
    const { stdout, stderr, exitCode } = await fmt();
    expect([stdout, exitCode]).toEqual(['formatted routes/hoge/ugly.yaml', 1]);
    const said = stderr.split('\n').map((line) => `${line.split(':')[0]} ${/\((KK\d+)\)$/.exec(line)?.[1]}`);
    expect(said.sort()).toEqual([
      'routes/hoge/broken.yaml KK006',
      'routes/hoge/conflict.yaml KK018',
      'routes/hoge/link.yaml KK104',
      'routes/hoge/secret.yaml KK322',
    ]);
    expect(stderr).not.toContain(key);
    expect(read('routes/hoge/conflict.yaml')).toBe(conflict);
    expect(read('routes/hoge/broken.yaml')).toBe('port:  [1\n');
    expect(read('outside.txt')).toBe(UGLY);
  });

  it('exits 2 for a folder that is not there and for an unknown option', async () => {
    expect((await fmt('nowhere')).exitCode).toBe(2);
    expect((await fmt('--write')).exitCode).toBe(2);
  });

  it('explains itself in 80 columns', async () => {
    const { stdout } = await fmt('--help');
    expect(stdout).toContain('--check');
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });
});

describe('replaceSame', () => {
  const path = 'routes/hoge/ugly.yaml';
  const leftovers = () => readdirSync(join(dir, 'routes/hoge')).filter((name) => name.startsWith('.'));

  it('writes nothing over what somebody else wrote since', () => {
    const theirs = UGLY.replace('80', '81');
    put(path, theirs);
    expect(() => replaceSame(dir, path, Buffer.from(UGLY), NEAT)).toThrow(
      expect.objectContaining({ code: 'file_changed' }),
    );
    expect(read(path)).toBe(theirs);
    expect(leftovers()).toEqual([]);
  });

  it('goes through no link that took the place of the file', () => {
    put('outside.txt', UGLY);
    rmSync(join(dir, path));
    symlinkSync('../../outside.txt', join(dir, path));
    expect(() => replaceSame(dir, path, Buffer.from(UGLY), NEAT)).toThrow(
      expect.objectContaining({ code: 'unwritable' }),
    );
    expect(read('outside.txt')).toBe(UGLY);
    expect(leftovers()).toEqual([]);
  });
});
