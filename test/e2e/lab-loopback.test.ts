// The lab without root: hosts that share the machine's own network. The same programs, on loopback.
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openClient } from '../../lab/client.ts';
import { createDeveloper } from '../../lab/git-developer.ts';
import { startGitServer } from '../../lab/git-server.ts';
import { removeDead, runDirectory } from '../../lab/janitor.ts';
import { addLoopbackHost, type Host } from '../../lab/namespace.ts';
import { startOrigin } from '../../lab/origin.ts';
import { createPki } from '../../lab/pki.ts';
import { lives, processesWith } from '../../lab/process-table.ts';
import { createRun, type Run } from '../../lab/run.ts';
import { RUN_VARIABLE } from '../../lab/sweep.ts';

describe('a host without a namespace', () => {
  let run: Run;
  let host: Host;

  beforeEach(() => {
    run = createRun();
    host = addLoopbackHost(run, 'edge-1');
  });

  afterEach(async () => {
    expect(await run.end()).toEqual([]);
    expect(existsSync(run.directory)).toBe(false);
  });

  it('serves a visitor, also while the visitor is asked several things at once', { timeout: 30_000 }, async () => {
    const port = await freePort();
    await startOrigin(host, { name: 'home', port, address: '127.0.0.1' });
    const client = await openClient(host);
    const target = { hostname: 'app.hoge.com', address: '127.0.0.1', port, http: true };
    const slow = client.request({ ...target, path: '/slow?seconds=1' });
    const quick = await client.request(target);
    expect(quick).toMatchObject({ kind: 'response', status: 200, headers: { 'x-origin': 'home' } });
    expect((await slow).timings.endedAt).toBeGreaterThan(quick.timings.endedAt);
    const late = await client.request({ ...target, path: '/slow?seconds=5', timeoutMs: 200 });
    expect(late).toMatchObject({ kind: 'failure', reason: 'timeout' });
    const load = client.load({ targets: [], ratePerSecond: 1 });
    await expect(load.report).rejects.toThrow('needs targets');
    await client.close();
    await expect(client.request(target)).rejects.toMatchObject({ code: 'lab_probe_failed' });
  });

  it('does not keep a process from its end by a visitor that is asked nothing', { timeout: 20_000 }, async () => {
    const lab = (file: string) => JSON.stringify(new URL(`../../lab/${file}`, import.meta.url).href);
    const script = `
      const { createRun } = await import(${lab('run.ts')});
      const { addLoopbackHost } = await import(${lab('namespace.ts')});
      const { openClient } = await import(${lab('client.ts')});
      const run = createRun();
      const client = await openClient(addLoopbackHost(run, 'client'));
      const target = { hostname: 'localhost', address: '127.0.0.1', port: ${await freePort()}, http: true };
      const { reason } = await client.request(target);
      process.stdout.write(reason);
    `;
    const result = await execa(process.execPath, ['--input-type=module', '-e', script], {
      reject: false,
      timeout: 8_000,
    });
    expect(result).toMatchObject({ exitCode: 0, stdout: 'ECONNREFUSED', timedOut: false });
  });

  it('carries the git server, and refuses what is not its repository', { timeout: 30_000 }, async () => {
    const [port, pki] = [await freePort(), await createPki(run)];
    const certificate = await pki.certificate(['localhost'], ['127.0.0.1']);
    const server = await startGitServer({ host, address: '127.0.0.1', port, hostname: 'localhost', certificate });
    const developer = await createDeveloper({ host, url: server.url, caFile: pki.caFile });
    const pushed = await developer.commit({ 'routes/hoge/a.yaml': 'a: 1\n' }, 'First');
    const listed = await host.exec('git', ['--git-dir', server.repository, 'rev-parse', 'main']);
    expect(listed.stdout).toBe(pushed.commit);
    await expect(developer.commit({ '../outside': 'x' }, 'Escape')).rejects.toThrow('not a path inside');
    const client = await openClient(host);
    const target = { hostname: 'localhost', address: '127.0.0.1', port, ca: pki.caPem };
    for (const path of ['/', '/fleet.git/config', '/other.git/info/refs', '/fleet.git/../../etc/passwd']) {
      expect(await client.request({ ...target, path })).toMatchObject({ status: 404, tls: { verified: true } });
    }
    await client.close();
  });

  it('says what a program did that failed', { timeout: 20_000 }, async () => {
    await expect(host.exec('ls', ['/nowhere'])).rejects.toMatchObject({
      code: 'lab_exec_failed',
      message: expect.stringMatching(/^edge-1: ls \/nowhere: exit 2\n.*nowhere/),
    });
    await expect(host.exec('sleep', ['5'], { timeoutMs: 100 })).rejects.toThrow('did not end in time');
    const ends = host.start('ends', process.execPath, ['-e', 'console.log("last words"); process.exit(3)']);
    await expect(ends.ready(/never said/)).rejects.toThrow(/edge-1\/ends ended; its last words:\nlast words/);
    expect(await ends.ended()).toEqual({ code: 3, signal: undefined });
    expect(() => host.start('missing', '/no/such/program', [])).toThrow('could not be started');
  });

  it.runIf(process.platform === 'linux')('is found by its run even when detached', { timeout: 20_000 }, async () => {
    const shell = host.start('shell', 'setsid', ['--fork', 'sleep', '600']);
    await shell.ended();
    const found = processesWith(RUN_VARIABLE, run.prefix);
    expect(found).toHaveLength(1);
    expect(await run.end()).toEqual([]);
    expect(found.filter(lives)).toEqual([]);
  });
});

describe('left-overs that are not what they seem', () => {
  it('are left alone when a link stands where a directory should', { timeout: 5_000 }, async () => {
    const bait = mkdtempSync(join(tmpdir(), 'kokoa-bait-'));
    writeFileSync(join(bait, 'precious'), '');
    const dead = { prefix: 'k0000', owner: { pid: 1, startTicks: 'never' }, boot: 'earlier', kept: false };
    writeFileSync(join(bait, 'run.json'), JSON.stringify(dead));
    const [link, real] = [runDirectory('k0000'), runDirectory('k0001')];
    rmSync(link, { force: true });
    symlinkSync(bait, link);
    cpSync(bait, real, { recursive: true });
    removeDead();
    // Another test's run may have found it first and be busy with it.
    await expect.poll(() => existsSync(real), { timeout: 3_000 }).toBe(false);
    expect(existsSync(join(bait, 'precious'))).toBe(true);
    rmSync(link);
    rmSync(bait, { recursive: true });
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
