// Golden cases of `kokoa compile`: NNN-name/{input,enrolments.json} in, expected/ out, byte for byte. BLESS=1 writes expected/.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guardConfig } from '../../agent/core/guard.ts';
import { readChunk, readConfig } from '../../bundle/check-config.ts';
import type { Chunk, ChunkReference } from '../../bundle/config.ts';
import { isRefusal } from '../../bundle/refusal.ts';

const here = import.meta.dirname;
const cases = readdirSync(here, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();

/** Runs the command as its own process, where umask, time zone, locale and folder are its own. */
const RUNNER = `
process.umask(Number(process.env.TEST_UMASK));
const { Command } = await import(process.env.TEST_COMMANDER);
const { registerCompile } = await import(process.env.TEST_COMPILE);
const program = new Command();
registerCompile(program);
await program.parseAsync(['compile', ...process.argv.slice(1)], { from: 'user' });
`;
const MODULES = {
  TEST_COMMANDER: import.meta.resolve('commander'),
  TEST_COMPILE: new URL('../../reconciler/cli/compile.ts', import.meta.url).href,
};

interface Surroundings {
  umask?: number;
  env?: Record<string, string>;
  cwd?: string;
}

async function kokoaCompile(args: string[], { umask = 0o022, env = {}, cwd = here }: Surroundings = {}) {
  const { exitCode, stderr } = await execa(process.execPath, ['--input-type=module', '-e', RUNNER, '--', ...args], {
    cwd,
    env: { ...MODULES, TEST_UMASK: String(umask), ...env },
    timeout: 15_000,
    reject: false,
  });
  return { exitCode, stderr };
}

/** Path → text, sorted; with the mode of each. */
function tree(dir: string): [string, string][] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .map((entry): [string, string] => {
      const path = join(entry.parentPath, entry.name);
      const mode = (statSync(path).mode & 0o777).toString(8);
      return [`${path.slice(dir.length + 1)} ${mode}`, entry.isFile() ? readFileSync(path, 'utf8') : ''];
    })
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'kokoa-golden-'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe.each(cases)('%s', (name) => {
  const input = join(here, name, 'input');
  const expected = join(here, name, 'expected');
  const enrolments = ['--enrolments', join(here, name, 'enrolments.json')];

  test('compiles to the expected tree', async () => {
    const out = join(scratch, name);
    const result = await kokoaCompile([input, '--out', out, ...enrolments]);
    expect(result).toMatchObject({ exitCode: 0 });
    if (process.env.BLESS === '1') {
      rmSync(expected, { recursive: true, force: true });
      cpSync(out, expected, { recursive: true });
      writeFileSync(join(here, name, 'stderr.txt'), `${result.stderr}\n`);
    }
    const texts = (dir: string) => tree(dir).map(([path, text]) => [path.split(' ')[0], text]);
    expect(texts(out)).toEqual(texts(expected));
    expect(`${result.stderr}\n`).toBe(readFileSync(join(here, name, 'stderr.txt'), 'utf8'));
    const modes = new Set(tree(out).map(([path]) => path.replace(/^.*?(\.json)? /, '$1 ')));
    expect([...modes].sort()).toEqual([' 755', '.json 644']);
  });

  test('is the same under another time zone, locale, umask and working directory', async () => {
    const other = join(scratch, `${name} elsewhere`);
    const env = { TZ: 'Pacific/Kiritimati', LC_ALL: 'tr_TR.UTF-8' };
    const result = await kokoaCompile([input, '--out', other, ...enrolments], { umask: 0o077, cwd: '/', env });
    expect(result.exitCode).toBe(0);
    expect(tree(other)).toEqual(tree(join(scratch, name)));
  });

  test('is accepted by the reader and the guard of an agent', () => {
    const texts = new Map(tree(expected).map(([path, text]) => [path.split(' ')[0]!, text]));
    for (const [path, text] of texts) {
      if (!path.endsWith('/config.json')) continue;
      const config = readConfig(text);
      if (isRefusal(config)) throw new Error(`${path}: ${config.detail}`);
      const references: ChunkReference[] = config.role === 'edge' ? config.edge.chunks : [];
      const chunks = references.map((chunk) => readChunk(chunk, texts.get(`chunks/${chunk.sha256}.json`) ?? ''));
      for (const chunk of chunks) expect(chunk).not.toHaveProperty('code');
      expect(guardConfig(config, chunks as Chunk[])).toMatchObject({ ok: true });
    }
  });
});

test('a comment, other quotes and another order of members change nothing', async () => {
  const edited = join(scratch, 'edited');
  cpSync(join(here, '001-example', 'input'), edited, { recursive: true });
  writeFileSync(
    join(edited, 'routes', 'hoge', 'app.hoge.com.yaml'),
    '# a comment\nport: 8080\norigin: \'home\' # at home\nhostname: "APP.hoge.com"\n',
  );
  const out = join(scratch, 'edited-out');
  const enrolments = join(here, '001-example', 'enrolments.json');
  expect((await kokoaCompile([edited, '--out', out, '--enrolments', enrolments])).exitCode).toBe(0);
  const texts = (dir: string) => tree(dir).map(([path, text]) => [path.split(' ')[0], text]);
  expect(texts(out)).toEqual(texts(join(here, '001-example', 'expected')));
});
