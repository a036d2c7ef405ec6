import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../bundle/canonical.ts';
import { KokoaError } from '../../bundle/error.ts';
import { FILE_BYTES_MAX } from '../core/yaml-text.ts';
import { readDataDir } from './data-dir.ts';

let dir: string;
let server: Server | undefined;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'kokoa-data-dir-'));
});

afterEach(async () => {
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  server = undefined;
  rmSync(dir, { recursive: true, force: true });
});

function put(path: string, content: string | Uint8Array = 'a: 1\n'): string {
  const target = join(dir, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, content);
  return target;
}

const paths = () => readDataDir(dir).files.map(({ path }) => path);
const remarks = () => readDataDir(dir).problems.map(({ file, rule, severity }) => `${file} ${rule} ${severity}`);

describe('readDataDir', () => {
  it('reads the data in order, with bytes and content ids, and nothing else of the folder', () => {
    for (const path of [
      'routes/b/x.yaml',
      'routes/a/z.yaml',
      'routes/a/b.yml',
      'origins/home.yaml',
      'edges/e.yaml',
      'kokoa.yaml',
      'package.json',
      'docs/routes/a/x.yaml',
      'other.yaml',
    ])
      put(path, `path: ${path}\n`);
    const { files, problems } = readDataDir(dir);
    expect(problems).toEqual([]);
    expect(files.map(({ path }) => path)).toEqual([
      'edges/e.yaml',
      'kokoa.yaml',
      'origins/home.yaml',
      'routes/a/b.yml',
      'routes/a/z.yaml',
      'routes/b/x.yaml',
    ]);
    for (const { path, blob, bytes } of files) {
      expect(Buffer.from(bytes!).toString()).toBe(`path: ${path}\n`);
      expect(blob).toBe(sha256Hex(bytes!));
    }
  });

  it('answers nothing for an empty folder', () => {
    expect(readDataDir(dir)).toEqual({ files: [], problems: [] });
  });

  it('ignores READMEs and names with a leading dot, and remarks on other files that nobody reads', () => {
    for (const path of [
      'routes/README.md',
      'routes/a/.gitkeep',
      'routes/.git/x.yaml',
      'routes/a/.x.yaml.swp',
      'origins/CODEOWNERS',
      'routes/a/app.json',
      'edges/tokyo-1',
    ])
      put(path);
    expect(paths()).toEqual([]);
    expect(remarks()).toEqual(['edges/tokyo-1 KK103 warning', 'routes/a/app.json KK103 warning']);
  });

  it('warns of a folder beside the data whose name is nearly right, when it holds what could be data', () => {
    for (const path of ['route/hoge/x.yaml', 'Origins/a.yml', 'edge/notes.txt', 'router/src/deep/x.yaml', 'lab/x.yaml'])
      put(path);
    mkdirSync(join(dir, 'origin'));
    expect(paths()).toEqual([]);
    expect(readDataDir(dir).problems).toEqual([
      {
        ...{ file: 'Origins', line: 1, column: 1, rule: 'KK103', severity: 'warning' },
        message: 'found the folder Origins/, which nobody reads, expected routes/, origins/, edges/',
        hint: 'did you mean origins/? Rename it',
      },
      expect.objectContaining({ file: 'route', hint: 'did you mean routes/? Rename it' }),
    ]);
  });

  it('follows no link, neither of a file nor of a folder, nor opens pipes and sockets', async () => {
    const target = put('elsewhere/secret.yaml', 'password: x\n');
    mkdirSync(join(dir, 'routes/a'), { recursive: true });
    symlinkSync(target, join(dir, 'routes/a/link.yaml'));
    symlinkSync('/dev/zero', join(dir, 'routes/a/zero.yaml'));
    symlinkSync(join(dir, 'nowhere'), join(dir, 'kokoa.yaml'));
    symlinkSync(join(dir, 'elsewhere'), join(dir, 'origins'));
    symlinkSync('..', join(dir, 'routes/loop.yaml'));
    server = createServer().listen(join(dir, 'routes/a/socket.yaml'));
    await new Promise((resolve) => server?.once('listening', resolve));
    expect(paths()).toEqual([]);
    expect(remarks()).toEqual(
      [
        'kokoa.yaml',
        'origins',
        'routes/a/link.yaml',
        'routes/a/socket.yaml',
        'routes/a/zero.yaml',
        'routes/loop.yaml',
      ].map((file) => `${file} KK104 error`),
    );
  });

  it('says when a file stands where a folder should, or the other way round', () => {
    put('routes', 'x');
    mkdirSync(join(dir, 'kokoa.yaml'));
    expect(remarks()).toEqual(['kokoa.yaml KK104 error', 'routes KK104 error']);
  });

  it('reads only the beginning of a file of 5 GB', () => {
    truncateSync(put('routes/a/huge.yaml'), 5 * 1024 ** 3);
    const [file] = readDataDir(dir).files;
    expect(file?.bytes?.length).toBe(FILE_BYTES_MAX + 1);
  });

  it('stops at a number of files, of bytes and of folders inside each other', () => {
    for (const name of ['a', 'b', 'c', 'd']) put(`routes/t/${name}.yaml`, 'x'.repeat(100));
    put('routes/1/2/3/4/x.yaml');
    const read = (limits: object) => {
      const { files, problems } = readDataDir(dir, { files: 100, bytes: 10_000, depth: 8, ...limits });
      return [files.length, problems.map(({ rule, file }) => `${file} ${rule}`)];
    };
    expect(read({})).toEqual([5, []]);
    expect(read({ bytes: 250 })).toEqual([3, ['routes/t/c.yaml KK001']]);
    expect(read({ depth: 4 })).toEqual([4, ['routes/1/2/3/4 KK101']]);
    const [count, problems] = read({ files: 3 });
    expect(count).toBeLessThanOrEqual(3);
    expect(problems).toEqual([expect.stringContaining('KK001')]);
  });

  it.each(['missing', 'file.txt', 'missing\0nul'])('throws usage for %j, which is no folder', (name) => {
    put('file.txt');
    expect(() => readDataDir(join(dir, name))).toThrow(expect.objectContaining({ name: 'KokoaError', code: 'usage' }));
    expect(() => readDataDir(join(dir, name))).toThrow(KokoaError);
  });

  it('names what it may not read and goes on', () => {
    put('origins/home.yaml');
    // A name that is no UTF-8 cannot be opened again by the text it reads as: the same path as a file without permission, also for root.
    writeFileSync(Buffer.concat([Buffer.from(`${dir}/origins/`), Buffer.from([0xff]), Buffer.from('.yaml')]), 'a: 1\n');
    chmodSync(join(dir, 'origins/home.yaml'), 0o400);
    expect(paths()).toEqual(['origins/home.yaml']);
    expect(remarks()).toEqual(['origins/\ufffd.yaml KK104 error']);
  });
});
