// The commands that write data: what they write validates, what would not is not written, and a token is shown exactly once.
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { decodeJwt } from 'jose';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { KokoaError } from '../../bundle/error.ts';
import { createDevelopmentKeys, loadKeys } from '../adapters/key-files.ts';
import { sha } from '../core/world.fixture.ts';
import { registerAdd } from './add.ts';
import { judgeDir } from './validate.ts';

const EXAMPLE = join(import.meta.dirname, '../../test/golden-compile/001-example/input');
const JWT = /[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/g;

let scratch: string;
let dir: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'kokoa-add-'));
  dir = join(scratch, 'data');
  cpSync(EXAMPLE, dir, { recursive: true });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
  rmSync(scratch, { recursive: true, force: true });
});

interface Run {
  stdout: string;
  stderr: string;
  failed: boolean;
}

async function kokoa(...args: string[]): Promise<Run> {
  const shown = { stdout: '', stderr: '' };
  const show = (stream: keyof typeof shown) => (text: unknown) => {
    shown[stream] += text;
    return true;
  };
  vi.spyOn(console, 'log').mockImplementation((line) => void show('stdout')(`${line}\n`));
  vi.spyOn(console, 'error').mockImplementation((line) => void show('stderr')(`${line}\n`));
  vi.spyOn(process.stderr, 'write').mockImplementation(show('stderr'));
  process.exitCode = undefined;
  const program = new Command().exitOverride();
  registerAdd(program);
  try {
    await program.parseAsync([...args, '--dir', dir], { from: 'user' });
    return { ...shown, failed: process.exitCode === 1 };
  } finally {
    vi.restoreAllMocks();
    process.exitCode = undefined;
  }
}

const text = (path: string) => readFileSync(join(dir, path), 'utf8');
const errors = () => judgeDir(dir).problems.filter(({ severity }) => severity === 'error');
const allFiles = () =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();

test('edge add writes a valid file with the next address, and shows its token once', async () => {
  const { stdout, stderr } = await kokoa(
    'edge',
    'add',
    'tokyo-2',
    '--address',
    '198.51.100.13',
    '--address',
    '2001:db8::13',
  );
  const token = stdout.trim();
  expect(decodeJwt(token)).toMatchObject({ sub: 'tokyo-2', gen: 1 });
  expect(text('edges/tokyo-2.yaml')).toBe(`# yaml-language-server: $schema=../schemas/edge.schema.json
name: tokyo-2
address:
  ipv4: 198.51.100.13
  ipv6: '2001:db8::13'
wireguard:
  address: 10.100.0.3
  port: 51820
token: sha256:${sha(token)}
pool: default
state: active
`);
  expect(errors()).toEqual([]);
  expect(stdout.match(JWT)).toHaveLength(1);
  expect(stderr.match(JWT)).toBeNull();
  expect(allFiles().filter((path) => readFileSync(path, 'utf8').includes(token))).toEqual([]);
  expect(stderr).toContain(
    '\n   kokoa-agent join https://control.hoge.com:8443 --role edge --fingerprint \\\n     FINGERPRINT\n',
  );
  for (const line of stderr.replaceAll(dir, 'DIR').split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});

test('origin add takes an address of its own range, several teams, and prints the fingerprint of --keys', async () => {
  const keys = join(scratch, 'keys');
  await createDevelopmentKeys(keys, new Date());
  const { fingerprint } = await loadKeys(keys);
  const { stderr } = await kokoa('origin', 'add', 'shed', '--team', 'hoge', '--team', 'fuga', '--keys', keys);
  expect(text('origins/shed.yaml')).toContain('teams:\n  - hoge\n  - fuga\nwireguard:\n  address: 10.100.1.2\n');
  expect(errors()).toEqual([]);
  expect(stderr).toContain(` --allow PORTS \\\n     --fingerprint \\\n     ${fingerprint}\n`);
  for (const line of stderr.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});

test('route add finds the team by its grant', async () => {
  const { stderr } = await kokoa('route', 'add', 'Blog.Hoge.com', '--origin', 'home', '--port', '8081');
  expect(text('routes/hoge/blog.hoge.com.yaml')).toBe(
    '# yaml-language-server: $schema=../../schemas/route.schema.json\nhostname: blog.hoge.com\norigin: home\nport: 8081\n',
  );
  expect(errors()).toEqual([]);
  expect(stderr).toContain('git -C');
  await kokoa('route', 'add', '*.apps.fuga.com', '--origin', 'office', '--port', '80');
  expect(text('routes/fuga/_wildcard.apps.fuga.com.yaml')).toContain("hostname: '*.apps.fuga.com'\n");
});

test.each([
  ['an unknown origin', ['route', 'add', 'a.hoge.com', '--origin', 'hom', '--port', '80'], 'home'],
  ['an origin of another team', ['route', 'add', 'a.hoge.com', '--origin', 'office', '--port', '80'], 'office'],
  ['a port beyond the last', ['route', 'add', 'a.hoge.com', '--origin', 'home', '--port', '70000'], '/port'],
  [
    'a name that another team holds',
    ['route', 'add', 'a.hoge.com', '--origin', 'home', '--port', '80', '--team', 'fuga'],
    'hoge',
  ],
  ['a taken tunnel address', ['edge', 'add', 'x', '--wireguard-address', '10.100.0.1'], '10.100.0.1'],
  ['an address outside of the network', ['edge', 'add', 'x', '--wireguard-address', '10.9.0.1'], '10.9.0.1'],
  ['an unknown pool', ['edge', 'add', 'x', '--pool', 'nowhere'], 'nowhere'],
  ['the name of an origin', ['edge', 'add', 'home'], 'home'],
  ['an unknown team', ['origin', 'add', 'x', '--team', 'nobody'], 'nobody'],
])('%s would not validate: the problem is printed, and nothing is written', async (_, args, word) => {
  const before = allFiles();
  const { stdout, stderr, failed } = await kokoa(...args);
  expect(failed).toBe(true);
  expect(stdout).toBe('');
  expect(stderr).toContain(word.replace('/', ''));
  expect(stderr).toMatch(/KK\d{3}/);
  expect(stderr).toMatch(/was not written\.\n$/);
  expect(allFiles()).toEqual(before);
});

test.each([
  ['an existing edge', ['edge', 'add', 'tokyo-1'], 'file_exists'],
  ['an existing route', ['route', 'add', 'wiki.fuga.com', '--origin', 'office', '--port', '1'], 'file_exists'],
  ['a path for a name', ['edge', 'add', '../../x'], 'usage'],
  ['a path for a team', ['route', 'add', 'a.hoge.com', '--origin', 'home', '--port', '80', '--team', '../x'], 'usage'],
  ['an upper-case name', ['origin', 'add', 'Home', '--team', 'hoge'], 'usage'],
  ['a host that is none', ['route', 'add', 'localhost', '--origin', 'home', '--port', '80'], 'usage'],
  ['a host nobody is granted', ['route', 'add', 'a.example.org', '--origin', 'home', '--port', '80'], 'usage'],
  ['a port that is none', ['route', 'add', 'a.hoge.com', '--origin', 'home', '--port', '80x'], 'usage'],
  ['an address that is none', ['edge', 'add', 'x', '--address', '1.2.3'], 'usage'],
  ['two addresses of one family', ['edge', 'add', 'x', '--address', '1.2.3.4', '--address', '1.2.3.5'], 'usage'],
  ['the token of an unknown edge', ['edge', 'token', 'home'], 'name_unknown'],
])('%s is refused with %3$s', async (_, args, code) => {
  const before = allFiles().map((path) => readFileSync(path, 'utf8'));
  await expect(kokoa(...args)).rejects.toMatchObject({ code });
  expect(allFiles().map((path) => readFileSync(path, 'utf8'))).toEqual(before);
});

test('edge add of an edge that is there says how its address goes in, and its lines are right', async () => {
  await kokoa('edge', 'add', 'tokyo-2');
  const refused = await kokoa('edge', 'add', 'tokyo-2', '--address', '198.51.100.11').catch(
    (error) => error as KokoaError,
  );
  const { hint } = refused as KokoaError;
  expect(hint).toContain('\nfor a new token: kokoa edge token tokyo-2');
  const lines = /^for its public address, write into edges\/tokyo-2\.yaml:\n((?: {2}.*\n)+)/.exec(hint!)![1]!;
  writeFileSync(join(dir, 'edges/tokyo-2.yaml'), text('edges/tokyo-2.yaml') + lines.replace(/^ {2}/gm, ''));
  expect(errors()).toEqual([]);
  await expect(kokoa('origin', 'add', 'home', '--team', 'hoge')).rejects.toMatchObject({
    hint: 'for a new token: kokoa origin token home',
  });
});

test('a name that two teams are granted needs --team', async () => {
  writeFileSync(
    join(dir, 'kokoa.yaml'),
    text('kokoa.yaml').replace("- '*.fuga.com'", "- '*.fuga.com'\n      - 'a.hoge.com'"),
  );
  await expect(kokoa('route', 'add', 'a.hoge.com', '--origin', 'home', '--port', '80')).rejects.toMatchObject({
    hint: 'say which one asks: --team hoge or --team fuga',
  });
  expect((await kokoa('route', 'add', 'a.hoge.com', '--origin', 'home', '--port', '80', '--team', 'hoge')).failed).toBe(
    false,
  );
});

test('token replaces hash and generation and keeps the rest, comments too', async () => {
  const before = text('edges/tokyo-1.yaml');
  const first = await kokoa('edge', 'token', 'tokyo-1');
  const second = await kokoa('edge', 'token', 'tokyo-1');
  const token = second.stdout.trim();
  expect(first.stdout).not.toBe(second.stdout);
  expect(decodeJwt(token)).toMatchObject({ sub: 'tokyo-1', gen: 3 });
  expect(text('edges/tokyo-1.yaml')).toBe(before.replace(/^token: .*$/m, `token: sha256:${sha(token)}\ngeneration: 3`));
  expect(errors()).toEqual([]);
});

test.each([
  ['edge', 'tokyo-1', 'compromised', 'exposed'],
  ['edge', 'tokyo-1', 'revoked', 'write state: active'],
  ['edge', 'tokyo-1', 'suspended', 'write state: active'],
  ['origin', 'home', 'revoked', 'write state: active'],
])('a new token for an %s %s that is %s is refused: it could not join with it', async (role, name, state, hint) => {
  const path = `${role}s/${name}.yaml`;
  const before = `${text(path).replace(/^state: .*\n/m, '')}state: ${state}\n`;
  writeFileSync(join(dir, path), before);
  await expect(kokoa(role, 'token', name)).rejects.toMatchObject({
    code: 'state_keeps_out',
    message: expect.stringContaining(`state: ${state}`),
    hint: expect.stringContaining(hint),
  });
  expect(text(path)).toBe(before);
  writeFileSync(join(dir, path), before.replace(/^state: .*$/m, 'state: active'));
  expect((await kokoa(role, 'token', name)).failed).toBe(false);
});

test('a token in a layout that lines cannot edit is left alone', async () => {
  const path = join(dir, 'origins/home.yaml');
  writeFileSync(path, text('origins/home.yaml').replace(/^token: (.*)$/m, 'token:\n  $1'));
  const before = text('origins/home.yaml');
  await expect(kokoa('origin', 'token', 'home')).rejects.toMatchObject({ code: 'layout_unknown' });
  expect(text('origins/home.yaml')).toBe(before);
});

test('without kokoa.yaml nothing is written', async () => {
  rmSync(join(dir, 'kokoa.yaml'));
  await expect(kokoa('edge', 'add', 'x')).rejects.toMatchObject({ code: 'kokoa_missing' });
  expect(existsSync(join(dir, 'edges/x.yaml'))).toBe(false);
});

test('route add names a service in the LAN of the origin, and what its owner must allow', async () => {
  const lan = ['route', 'add', 'ha.hoge.com', '--origin', 'home', '--port', '8123', '--host'];
  const { stderr } = await kokoa(...lan, '192.168.1.20');
  expect(text('routes/hoge/ha.hoge.com.yaml')).toMatch(/^port: 8123\nhost: 192\.168\.1\.20\n$/m);
  expect(stderr).toContain('\nOrigin: the owner of home must have allowed 192.168.1.20:8123\n');
  expect(errors()).toEqual([]);
  await expect(kokoa(...lan, 'nas.lan\nx: y')).rejects.toMatchObject({ code: 'usage' });
});

test('an error of another file is named and stops nobody', async () => {
  writeFileSync(join(dir, 'routes/hoge/broken.yaml'), 'hostname: broken.hoge.com\norigin: home\nport: 80\nprot: 1\n');
  const { stderr, failed } = await kokoa('route', 'add', 'blog.hoge.com', '--origin', 'home', '--port', '9000');
  expect(failed).toBe(false);
  expect(existsSync(join(dir, 'routes/hoge/blog.hoge.com.yaml'))).toBe(true);
  expect(stderr).toContain('kokoa validate will refuse routes/hoge/broken.yaml\n');
  const claimed = await kokoa('route', 'add', 'broken.hoge.com', '--origin', 'hom', '--port', '9000');
  expect([claimed.failed, claimed.stderr]).toEqual([true, expect.not.stringContaining('prot')]);
});

test('a name that is claimed already is an error of the new file, wherever it is printed', async () => {
  writeFileSync(join(dir, 'routes/fuga/other.yaml'), 'hostname: new.fuga.com\norigin: office\nport: 80\n');
  const { failed, stderr } = await kokoa('route', 'add', 'new.fuga.com', '--origin', 'office', '--port', '80');
  expect([failed, stderr]).toEqual([true, expect.stringContaining('KK303')]);
  const taken = await kokoa('route', 'add', 'new.fuga.com', '--team', 'hoge', '--origin', 'home', '--port', '80');
  expect([taken.failed, taken.stderr]).toEqual([
    true,
    [
      'routes/hoge/new.fuga.com.yaml:2:11 error KK303',
      '  found new.fuga.com, which belongs to team fuga (routes/fuga/other.yaml),',
      '    expected a name that is free',
      '  2 | hostname: new.fuga.com',
      '    |           ^',
      '  hint: choose another name; only @octo-org/fuga can give this one up',
      '',
      '1 problem in 1 file',
      'routes/hoge/new.fuga.com.yaml was not written.',
      '',
    ].join('\n'),
  ]);
});

test.each([
  [[], /no --address: .*\n.*origins cannot dial it/],
  [['--address', '192.168.1.1'], /192\.168\.1\.1 is private.*\n.*forward TCP 80, TCP 443 and UDP 51820/],
  [['--address', '100.64.0.1'], /is private/],
  [['--address', 'fd00::1'], /is private/],
  [['--address', '127.0.0.1'], /nobody else reaches the machine \(loopback\)/],
  [['--address', '198.51.100.11'], /198\.51\.100\.11 is the address of edge tokyo-1/],
  [['--address', '2001:DB8::0:11', '--address', '198.51.100.77'], /2001:DB8::0:11 is the address of edge tokyo-1/],
])('edge add warns about an address that cannot work, and writes the file: %s', async (address, warning) => {
  const tokyo = text('edges/tokyo-1.yaml').replace(/^( *)ipv4: .*$/m, "$1ipv4: 198.51.100.11\n$1ipv6: '2001:db8::11'");
  writeFileSync(join(dir, 'edges/tokyo-1.yaml'), tokyo);
  const { stderr } = await kokoa('edge', 'add', 'new', ...address);
  expect(stderr).toMatch(/^warning: /);
  expect(stderr).toMatch(warning);
  expect(existsSync(join(dir, 'edges/new.yaml'))).toBe(true);
  for (const line of stderr.replaceAll(dir, 'DIR').split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});

test('keys that are not there are said before a file is written whose token nobody would see', async () => {
  const before = allFiles();
  const refused = { code: 'keys_missing', hint: expect.not.stringContaining('keys init') };
  await expect(kokoa('edge', 'add', 'x', '--keys', join(scratch, 'none'))).rejects.toMatchObject(refused);
  await expect(kokoa('edge', 'token', 'tokyo-1', '--keys', join(scratch, 'none'))).rejects.toMatchObject(refused);
  expect(allFiles()).toEqual(before);
  expect(text('edges/tokyo-1.yaml')).not.toContain('generation');
});

test('a new token is proposed on a branch of its own', async () => {
  const added = await kokoa('edge', 'add', 'tokyo-2', '--address', '198.51.100.13');
  const renewed = await kokoa('edge', 'token', 'tokyo-2');
  expect(added.stderr).toContain(' switch -c add-tokyo-2\n');
  expect(renewed.stderr).toContain(' switch -c token-tokyo-2-2\n');
  expect(renewed.stderr).toContain("'Give edge tokyo-2 a new token'");
});

test('where the system refuses a file, its name, the reason and a hint are said', async () => {
  rmSync(join(dir, 'routes/hoge'), { recursive: true });
  writeFileSync(join(dir, 'routes/hoge'), '');
  const added = kokoa('route', 'add', 'blog.hoge.com', '--origin', 'home', '--port', '9000');
  await expect(added).rejects.toMatchObject({
    code: 'unwritable',
    message: expect.stringContaining('routes/hoge/blog'),
  });
});
