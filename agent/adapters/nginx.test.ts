// The life of a real nginx: started, reloaded, killed, found again. Every process belongs to a directory of its own.
import { appendFile, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nginxPaths } from '../core/nginx-paths.ts';
import { createNginx } from './nginx.ts';
import { LOG_BYTES_MAX } from './nginx-log.ts';
import { findAll, findMaster } from './nginx-processes.ts';
import { openTestbed, type Testbed } from './nginx-testbed.ts';

const HOST = 'app.hoge.test';
const OTHER = 'wiki.fuga.test';

let bed: Testbed;

beforeEach(async () => {
  bed = await openTestbed();
  await bed.certify(HOST);
  await bed.certify(OTHER);
});

afterEach(() => bed.close());

async function publish(releaseId: string, hostnames = [HOST]): Promise<void> {
  await bed.write(
    releaseId,
    hostnames.map((hostname) => bed.route(hostname)),
  );
  await bed.swap(releaseId);
  await bed.web.reload();
}

async function master() {
  const found = await findMaster(nginxPaths(bed.dir));
  if (!found) throw new Error('no master runs');
  return found;
}

test('it is started once, as nobody’s child, and a reload keeps its master', async () => {
  expect(await bed.web.running()).toBe(false);
  expect(await bed.web.serving()).toBeUndefined();
  await publish('first');
  const first = await master();
  expect(first.parent).not.toBe(process.pid);
  expect(await bed.web.serving()).toBe('first');
  await publish('second', [HOST, OTHER]);
  expect((await master()).pid).toBe(first.pid);
  expect(await bed.web.serving()).toBe('second');
});

test.runIf(process.getuid?.() === 0)('its workers are found without the right to trace processes', async () => {
  await publish('first');
  const module = JSON.stringify(new URL('nginx-processes.ts', import.meta.url).href);
  const paths = JSON.stringify(nginxPaths(bed.dir));
  const script = `const { findAll } = await import(${module}); console.log(JSON.stringify(await findAll(${paths})));`;
  const narrow = ['--bounding-set=-sys_ptrace,-dac_override,-dac_read_search', '--inh-caps=-all'];
  const args = [...narrow, process.execPath, '--input-type=module', '-e', script];
  const { stdout } = await execa('setpriv', args);
  // Not the master: this one was started with more rights than who looks.
  const workers = (await findAll(nginxPaths(bed.dir))).filter(({ role }) => role === 'worker');
  expect(workers).toHaveLength(1);
  expect(JSON.parse(stdout)).toEqual(workers);
});

test('after a reload every new connection meets the new release', async () => {
  await publish('r0');
  for (let round = 1; round <= 3; round += 1) {
    await publish(`r${round}`, round % 2 ? [HOST, OTHER] : [HOST]);
    const asked = Array.from({ length: 10 }, () =>
      bed.https({ host: OTHER }).then(
        ({ status }) => status,
        () => 0,
      ),
    );
    expect(new Set(await Promise.all(asked))).toEqual(new Set([round % 2 ? 200 : 0]));
  }
});

test('reloads under load lose no new connection', async () => {
  await publish('r0');
  let going = true;
  const failures: string[] = [];
  let answered = 0;
  const visitor = async () => {
    while (going) {
      const status = await bed.https({ host: HOST }).then(
        ({ status }) => status,
        (error) => String(error),
      );
      if (status === 200) answered += 1;
      else failures.push(String(status));
    }
  };
  const visitors = Array.from({ length: 4 }, visitor);
  for (let round = 1; round <= 5; round += 1) await publish(`r${round}`);
  going = false;
  await Promise.all(visitors);
  expect(failures).toEqual([]);
  expect(answered).toBeGreaterThan(50);
});

test('a tree is tested without touching what runs', async () => {
  await publish('first');
  const paths = nginxPaths(bed.dir);
  const before = await readFile(paths.pid, 'utf8');
  const good = await bed.write('good', [bed.route(HOST), bed.route(OTHER)]);
  expect(await bed.web.test(good)).toEqual({ ok: true, detail: '' });

  const bad = await bed.write('bad', [bed.route(HOST)]);
  await appendFile(join(bad, 'upstreams.conf'), 'no_such_directive on;\n');
  const tested = await bed.web.test(bad);
  expect(tested.ok).toBe(false);
  expect(tested.detail).toContain('unknown directive "no_such_directive"');

  expect(await readFile(paths.pid, 'utf8')).toBe(before);
  expect(await bed.web.serving()).toBe('first');
  expect((await bed.https({ host: HOST })).status).toBe(200);
});

test.each([
  ['somebody else’s pid', String(process.pid)],
  ['a pid that nobody has', '4194303'],
  ['garbage', '-1 rm'],
  ['nothing', ''],
])('a pid file with %s does not mislead: the running master is found', async (_title, text) => {
  await publish('first');
  const { pid } = await master();
  await writeFile(nginxPaths(bed.dir).pid, text);
  await publish('second');
  expect((await master()).pid).toBe(pid);
  expect(await bed.web.serving()).toBe('second');
});

test.each([['SIGKILL'], ['SIGTERM']] as const)('after %s to the master the next reload serves again', async (name) => {
  await publish('first');
  const old = await master();
  process.kill(old.pid, name);
  await expect.poll(() => bed.web.running()).toBe(false);
  await publish('second', [HOST, OTHER]);
  expect((await master()).pid).not.toBe(old.pid);
  expect((await bed.https({ host: OTHER })).status).toBe(200);
});

test('a killed master leaves workers that serve until they are replaced', async () => {
  await publish('first');
  const orphans = (await findAll(nginxPaths(bed.dir))).filter(({ role }) => role === 'worker');
  process.kill((await master()).pid, 'SIGKILL');
  await expect.poll(() => bed.web.running()).toBe(false);
  expect((await bed.https({ host: HOST })).status).toBe(200);
  await bed.web.reload();
  const pids = (await findAll(nginxPaths(bed.dir))).filter(({ leaving }) => !leaving).map(({ pid }) => pid);
  expect(pids).not.toEqual(expect.arrayContaining(orphans.map(({ pid }) => pid)));
  expect(await bed.web.serving()).toBe('first');
});

test('a master that somebody told to leave counts as gone, and its last visitors keep their connection', async () => {
  await publish('first');
  const socket = await webSocket();
  const old = await master();
  process.kill(old.pid, 'SIGQUIT');
  await expect.poll(() => bed.web.running()).toBe(false);
  await publish('second');
  expect((await master()).pid).not.toBe(old.pid);
  expect((await bed.https({ host: HOST })).status).toBe(200);
  socket.write('still here');
  expect(await new Promise((resolve) => socket.once('data', (part) => resolve(String(part))))).toBe('still here');
  socket.destroy();
  await expect.poll(async () => (await findAll(nginxPaths(bed.dir))).some(({ pid }) => pid === old.pid)).toBe(false);
  // The old master took the pid file with it.
  await publish('third');
  expect(await bed.web.serving()).toBe('third');
});

test('a probe socket that somebody removed is made again', async () => {
  await publish('first');
  await rm(nginxPaths(bed.dir).probeSocket);
  expect(await bed.web.running()).toBe(false);
  await bed.web.reload();
  expect(await bed.web.serving()).toBe('first');
  expect((await bed.https({ host: HOST })).status).toBe(200);
});

test('another state directory’s nginx is left alone', async () => {
  await publish('first');
  const other = await openTestbed();
  try {
    await other.write('else', [other.route(HOST)]);
    await other.swap('else');
    await other.web.reload();
    process.kill((await master()).pid, 'SIGKILL');
    await bed.web.reload();
    await bed.web.stop();
    expect(await bed.web.running()).toBe(false);
    expect(await other.web.serving()).toBe('else');
  } finally {
    await other.close();
  }
});

test('a certificate that arrives later is served without a reload', async () => {
  await publish('first', [HOST, 'limited.hoge.test']);
  await expect(bed.https({ host: 'limited.hoge.test' })).rejects.toThrow();
  expect((await bed.https({ host: HOST })).status).toBe(200);
  await bed.certify('limited.hoge.test');
  expect((await bed.https({ host: 'limited.hoge.test' })).status).toBe(200);
});

test('a taken port is told with nginx’s own words', async () => {
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(bed.httpsPort, '127.0.0.1', resolve));
  try {
    await expect(publish('first')).rejects.toMatchObject({
      code: 'web_server_failed',
      message: expect.stringContaining(`bind() to 127.0.0.1:${bed.httpsPort} failed`),
    });
  } finally {
    await new Promise((resolve) => squatter.close(resolve));
  }
});

test('a log that strangers filled is cut, and nginx goes on writing into it', async () => {
  await publish('first');
  const { log } = nginxPaths(bed.dir);
  await appendFile(log, `${'x'.repeat(LOG_BYTES_MAX)}\nlast line\n`);
  expect(await bed.web.running()).toBe(true);
  expect((await stat(log)).size).toBe(0);
  expect((await readFile(`${log}.1`, 'utf8')).endsWith('last line\n')).toBe(true);
  await expect(bed.https({ host: HOST, sni: 'unknown.test' })).rejects.toThrow();
  await expect(bed.https({ host: 'nobody.test', sni: 'limited.hoge.test' })).rejects.toThrow();
  await publish('second', [HOST, 'limited.hoge.test']);
  await expect(bed.https({ host: 'limited.hoge.test' })).rejects.toThrow();
  await expect.poll(() => readFile(log, 'utf8')).toMatch(/^[0-9/]{10} [0-9:]{8} \[/);
});

test('stop leaves no process', async () => {
  await publish('first');
  await bed.web.stop();
  expect(await findAll(nginxPaths(bed.dir))).toEqual([]);
  await bed.web.stop();
});

test('a state directory without a release is told', async () => {
  await expect(bed.web.reload()).rejects.toMatchObject({ code: 'web_server_failed' });
});

test('a program that is missing is told', async () => {
  const web = createNginx({ binary: '/nonexistent/nginx', stateDir: bed.dir });
  await expect(web.features()).rejects.toMatchObject({
    code: 'web_server_failed',
    hint: expect.stringContaining('nginx'),
  });
});

function webSocket(): Promise<TLSSocket> {
  const headers = { host: HOST, connection: 'Upgrade', upgrade: 'websocket' };
  const asked = request({
    host: '127.0.0.1',
    port: bed.httpsPort,
    servername: HOST,
    rejectUnauthorized: false,
    headers,
  });
  asked.end();
  return new Promise((resolve, reject) => {
    asked.on('upgrade', (_response, socket) => {
      socket.on('error', () => socket.destroy());
      resolve(socket as TLSSocket);
    });
    asked.on('error', reject);
  });
}
