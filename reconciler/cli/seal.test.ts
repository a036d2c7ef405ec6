// `kokoa seal` as a team member meets it: at a terminal, in a pipe, in a clone, against a reconciler; and where no password may appear.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateX25519Identity } from 'age-encryption';
import bcrypt from 'bcryptjs';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { compileCache } from '../../test/compile-cache.ts';
import { createSecretSealing } from '../adapters/secret-age.ts';
import { readTeamSecret } from '../core/team-secret.ts';
import type { SecretSealing } from '../ports/secrets.ts';
import { FLEET } from '../site.fixture.ts';
import { BCRYPT_COST } from './seal-users.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const COLUMNS = 80;
/** A program starts slowly where many tests run at once. */
const START = { timeout: 60_000 };
const PASSWORD = 'correct horse battery';
const APR1 = 'bob:$apr1$itvs33EV$nz03puzIXh79D0ZXL06kC.';
const YAML = /^auth:\r?\n {2}basic:\r?\n {4}users:\r?\n {6}sealed: ([A-Za-z0-9+/]+={0,2})\r?\n/m;

let top: string;
let sealing: SecretSealing;
beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'kokoa-seal-'));
  sealing = await createSecretSealing(await generateX25519Identity());
  for (const folder of ['routes/hoge', 'routes/fuga', 'origins', 'edges'])
    await mkdir(join(top, folder), { recursive: true });
  for (const [path, text] of Object.entries(FLEET)) await writeFile(join(top, path), text!);
});
afterEach(() => rm(top, { recursive: true, force: true }));

const env = () => ({
  ...{ COLUMNS: String(COLUMNS), NO_COLOR: '1', HOME: top, TERM: 'dumb', PATH: process.env.PATH! },
  ...compileCache(),
});

function kokoa(input: string, ...args: string[]) {
  return execa(process.execPath, [MAIN, 'seal', ...args], {
    ...{ cwd: top, env: env(), extendEnv: false, input, reject: false, timeout: 60_000 },
  });
}

/** What the reconciler finds in the printed lines. */
async function opened(printed: string) {
  return readTeamSecret(await sealing.open(YAML.exec(printed)![1]!));
}

async function declare(recipient: string): Promise<void> {
  const text = await readFile(join(top, 'kokoa.yaml'), 'utf8');
  await writeFile(join(top, 'kokoa.yaml'), `${text}\nsealing:\n  recipient: ${recipient}\n`);
}

it('explains itself in 80 columns', START, async () => {
  const { stdout, exitCode } = await kokoa('', '--help');
  expect(exitCode).toBe(0);
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(COLUMNS);
});

it('asks at a terminal, shows no password, and prints lines that open for the team', START, async () => {
  const command = [process.execPath, MAIN, 'seal', '--team', 'hoge', '--to', sealing.recipient].join(' ');
  const terminal = execa('/usr/bin/script', ['-qefc', command, join(top, 'typescript')], {
    ...{ cwd: top, env: env(), extendEnv: false, reject: false, timeout: 60_000 },
  });
  let seen = '';
  terminal.stdout.on('data', (data: Buffer) => {
    seen += data.toString();
  });
  const answer = async (question: string, text: string) => {
    await expect.poll(() => seen, { timeout: 50_000 }).toMatch(new RegExp(`${question}$`));
    terminal.stdin.write(`${text}\r`);
  };
  await answer('Name: ', 'alice');
  await answer('Password \\(not shown\\): ', PASSWORD);
  await answer('Again: ', PASSWORD);
  await answer('Next name \\(Enter: no more\\): ', '');
  const { exitCode } = await terminal;
  expect(exitCode).toBe(0);
  expect(seen).toContain('Name: alice');
  expect(seen).not.toContain(PASSWORD);
  expect(await readFile(join(top, 'typescript'), 'utf8')).not.toContain(PASSWORD);
  const secret = await opened(seen);
  const [name, hash] = secret!.users.trimEnd().split(':') as [string, string];
  expect([secret!.team, name, bcrypt.getRounds(hash)]).toEqual(['hoge', 'alice', BCRYPT_COST]);
  expect(await bcrypt.compare(PASSWORD, hash)).toBe(true);
});

it('takes hashed lines from another program, and prints nothing else than YAML to standard output', START, async () => {
  await declare(sealing.recipient);
  const { stdout, stderr, exitCode } = await kokoa(`# by hand\n${APR1}\r\n`, '--team', 'hoge', '--users');
  expect([exitCode, `${stdout}\n`.replace(YAML, '')]).toEqual([0, '']);
  expect(await opened(`${stdout}\n`)).toEqual({ team: 'hoge', users: `${APR1}\n` });
  expect(stderr).toMatch(/Sealed 1 user for team hoge\. .*routes\/hoge/);
  for (const line of stderr.split('\n')) expect(line.length).toBeLessThanOrEqual(COLUMNS);
});

async function withServer(listener: RequestListener, work: (url: string) => Promise<void>): Promise<void> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

it('asks the reconciler that is named, before what kokoa.yaml says', START, async () => {
  await declare('age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p');
  const answering: RequestListener = ({ url }, response) => {
    response.end(url === '/api/v1/sealing-key' ? JSON.stringify({ recipient: sealing.recipient }) : '{}');
  };
  await withServer(answering, async (url) => {
    const { stdout } = await kokoa(APR1, '--team', 'hoge', '--users', '--url', url);
    expect(await opened(`${stdout}\n`)).toMatchObject({ team: 'hoge' });
  });
});

it.each<[string, RequestListener]>([
  ['answers without a key', (_request, response) => response.end('{}')],
  ['answers something endless', (_request, response) => void response.write('x'.repeat(100_000))],
  ['sends elsewhere', (_request, response) => response.writeHead(302, { location: 'https://example.com/' }).end()],
  ['says no', (_request, response) => response.writeHead(404).end('{}')],
])('seals nothing when the reconciler %s', START, async (_, listener) => {
  await withServer(listener, async (url) => {
    const { stdout, stderr, exitCode } = await kokoa(APR1, '--team', 'hoge', '--users', '--url', url);
    expect([stdout, exitCode]).toEqual(['', 1]);
    expect(stderr).toContain('sealing_key_unknown');
  });
});

it.each<[string, string, string[], number, RegExp]>([
  ['a team that is not there', APR1, ['--team', 'hogf', '--users'], 1, /no team "hogf".*\n {2}did you mean hoge\?/],
  ['no team', APR1, ['--users'], 2, /--team/],
  [
    'no key',
    APR1,
    ['--team', 'hoge', '--users'],
    1,
    /does not name the key.*\n(.*\n)? {4}kokoa seal --team hoge --url/,
  ],
  ['a key that is none', APR1, ['--team', 'hoge', '--users', '--to', 'age1x'], 2, /--to: found something else/],
  ['a mistyped key', APR1, ['--team', 'hoge', '--users', '--to', `age1${'q'.repeat(58)}`], 1, /checksum is wrong/],
  ['two keys', APR1, ['--team', 'hoge', '--to', 'age1x', '--url', 'https://x'], 2, /cannot be used with/],
  ['plain HTTP', APR1, ['--team', 'hoge', '--users', '--url', 'http://control.example.com'], 2, /expected https/],
  [
    'a pipe without --users',
    'alice\n',
    ['--team', 'hoge', '--to', 'RECIPIENT'],
    2,
    /no terminal[\s\S]*\n {2}.*--users/,
  ],
  [
    'a password in place of a hash',
    `alice:${PASSWORD}`,
    ['--team', 'hoge', '--users', '--to', 'RECIPIENT'],
    1,
    /line 1/,
  ],
  ['nothing', '', ['--team', 'hoge', '--users', '--to', 'RECIPIENT'], 1, /found no line/],
  [
    'too much',
    `${APR1}\n`.repeat(3000),
    ['--team', 'hoge', '--users', '--to', 'RECIPIENT'],
    1,
    /found more than 65536/,
  ],
])('refuses %s, with what to do', START, async (_, input, args, code, words) => {
  const { stdout, stderr, exitCode } = await kokoa(
    input,
    ...args.map((arg) => (arg === 'RECIPIENT' ? sealing.recipient : arg)),
  );
  expect([stdout, exitCode]).toEqual(['', code]);
  expect(stderr).toMatch(words);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(stderr).not.toContain(PASSWORD);
});
