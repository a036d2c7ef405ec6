// What Debian's nginx makes of the lists: each accepted kind of hash lets the right password in and no other, and a list that is not
// there lets nobody in.
import { createHash } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import bcrypt from 'bcryptjs';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { usersFileName, usersProblem } from '../core/users-file.ts';
import { workerAccount } from './accounts.ts';
import { createUsersDir } from './users-dir.ts';

const PASSWORD = 'correct horse battery';
const NGINX = '/usr/sbin/nginx';
const START = { timeout: 20_000, interval: 20 };

let top: string;
let nginx: ReturnType<typeof execa>;
const names = new Map<string, string>();

async function openssl(kind: string): Promise<string> {
  // Over standard input: arguments are for everybody to see.
  return (await execa('openssl', ['passwd', kind, '-stdin'], { input: PASSWORD })).stdout.trim();
}

function ssha(): string {
  const salt = Buffer.from('12345678');
  const digest = createHash('sha1').update(PASSWORD).update(salt).digest();
  return `{SSHA}${Buffer.concat([digest, salt]).toString('base64')}`;
}

const KINDS: [string, () => Promise<string>][] = [
  ['bcrypt, cost 5', () => bcrypt.hash(PASSWORD, 5)],
  ['bcrypt as htpasswd writes it', async () => (await bcrypt.hash(PASSWORD, 5)).replace('$2b$', '$2y$')],
  ['bcrypt of older programs', async () => (await bcrypt.hash(PASSWORD, 4)).replace('$2b$', '$2a$')],
  ['bcrypt, cost 8', () => bcrypt.hash(PASSWORD, 8)],
  ['apr1', () => openssl('-apr1')],
  ['SHA-256 crypt', () => openssl('-5')],
  ['SHA-512 crypt', () => openssl('-6')],
  ['SSHA', async () => ssha()],
];

beforeAll(async () => {
  top = await mkdtemp(join(tmpdir(), 'kokoa-logins-'));
  await chmod(top, 0o711);
  const isRoot = process.getuid?.() === 0;
  const worker = isRoot ? await workerAccount() : undefined;
  const store = createUsersDir({ dir: join(top, 'users'), ...(worker && { gid: worker.gid }) });
  for (const [kind, hash] of KINDS) {
    const text = `alice:${await hash()}\n`;
    expect([kind, usersProblem(text)]).toEqual([kind, undefined]);
    names.set(kind, usersFileName(kind));
    await store.write(usersFileName(kind), text);
  }
  await writeFile(
    join(top, 'nginx.conf'),
    `${worker ? `user ${worker.account} ${worker.group};` : ''} worker_processes 1; daemon off; pid ${top}/pid; error_log stderr;
events {}
http {
  access_log off; client_body_temp_path ${top}/body; proxy_temp_path ${top}/proxy; fastcgi_temp_path ${top}/fastcgi;
  uwsgi_temp_path ${top}/uwsgi; scgi_temp_path ${top}/scgi;
  map $http_list $list { default $http_list; "" none; }
  server {
    listen unix:${top}/socket;
    location = / { auth_basic x; auth_basic_user_file ${top}/users/$list; try_files /x @in; }
    location @in { return 204; }
  }
}`,
  );
  nginx = execa(NGINX, ['-e', 'stderr', '-p', top, '-c', join(top, 'nginx.conf')], { reject: false });
  await vi.waitFor(async () => expect(await ask('none')).toBe(401), START);
}, 60_000);
afterAll(async () => {
  nginx.kill('SIGTERM');
  await nginx;
  await rm(top, { recursive: true, force: true });
});

/** The status for a list in `users/`. */
function ask(list: string, password?: string, name = 'alice'): Promise<number> {
  const credentials = Buffer.from(`${name}:${password}`).toString('base64');
  const headers = { list, ...(password !== undefined && { authorization: `Basic ${credentials}` }) };
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: join(top, 'socket'), path: '/', headers, agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode!));
    });
    asked.on('error', reject);
    asked.end();
  });
}

it.each(KINDS.map(([kind]) => kind))('%s lets the right password in, and nothing else', async (kind) => {
  const list = names.get(kind)!;
  expect(await ask(list, PASSWORD)).toBe(204);
  expect(await ask(list, 'wrong')).toBe(401);
  expect(await ask(list, PASSWORD, 'bob')).toBe(401);
  expect(await ask(list)).toBe(401);
});

it.each(['none', usersFileName('never sealed')])('a list that is not there (%s) lets nobody in', async (list) => {
  expect(await ask(list, PASSWORD)).toBe(403);
  expect(await ask(list)).toBe(401);
});

it('the worker reads a list that others on the machine cannot', async () => {
  const path = join(top, 'users', names.get('apr1')!);
  expect(await readFile(path, 'utf8')).toMatch(/^alice:/);
  if (process.getuid?.() !== 0) return;
  const { exitCode } = await execa('/usr/bin/cat', [path], { reject: false, uid: 65_534, gid: 65_534 });
  expect(exitCode).not.toBe(0);
});
