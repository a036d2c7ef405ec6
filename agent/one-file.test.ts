// The built agent as an owner gets it: one file, Node, and Debian's programs.
import { writeFileSync } from 'node:fs';
import { readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { validateStatusReport } from '../bundle/api-schema.ts';
import { createCertificateMaker } from '../test/certificate-maker.ts';
import {
  buildOneFile,
  freePort,
  type OneFile,
  openSigningPlane,
  type SigningPlane,
  tokenFor,
} from './one-file.fixture.ts';
import { AGENT_VERSION } from './version.ts';

const STATE_DIRS = ['edge', 'rejoined', 'visited'];

let agent: OneFile;
let plane: SigningPlane;

beforeAll(async () => {
  agent = await buildOneFile();
}, 60_000);

afterAll(() => agent.close(STATE_DIRS.map(agent.state)), 60_000);

beforeEach(async () => {
  plane = await openSigningPlane();
});

afterEach(() => plane.close());

const joinArguments = (more: readonly string[] = []) => [
  'join',
  plane.url,
  '--fingerprint',
  plane.fingerprint,
  '--no-tunnel',
  ...more,
];
const joinAs = (name: string, node: string, more?: readonly string[]) =>
  agent.start(agent.state(name), joinArguments(more), tokenFor(node));

type Running = ReturnType<OneFile['start']>;

/** Waits until a process printed something like `pattern`. */
async function says(child: Running, pattern: RegExp): Promise<void> {
  let text = '';
  await new Promise<void>((resolve, reject) => {
    const look = (part: Buffer) => {
      text += String(part);
      if (pattern.test(text)) resolve();
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.then(() => reject(new Error(`ended without ${pattern}: ${text}`)));
  });
}

/** TERM, and how long it took to end. */
async function terminate(child: Running): Promise<{ ms: number; stdout: string; exitCode: number | undefined }> {
  const started = performance.now();
  child.kill('SIGTERM');
  const { stdout, exitCode } = await child;
  return { ms: performance.now() - started, stdout, exitCode };
}

describe('the one file', () => {
  it('is executable, names its version, and lists its commands', async () => {
    expect((await stat(agent.file)).mode & 0o777).toBe(0o755);
    expect((await readdir(agent.dir)).sort()).toEqual(['bin', 'kokoa-agent.mjs']);
    const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../package.json'), 'utf8')) as {
      version: string;
    };
    expect(AGENT_VERSION).toBe(version);
    const env = { PATH: `${join(process.execPath, '..')}:/usr/bin:/bin` };
    for (const file of [agent.file, await agent.copy('kokoa-agent')]) {
      expect((await execa(file, ['--version'], { env, extendEnv: false, cwd: '/' })).stdout).toBe(version);
    }
    const { stdout } = await agent.start(agent.state('none'), ['--help']);
    for (const command of ['preflight', 'join', 'run', 'once', 'status', 'certs', 'leave'])
      expect(stdout).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'));
  });

  it.each([['status'], ['run'], ['once']])(
    'says on a machine that has not joined, asked to %s, what to do',
    async (command) => {
      const { exitCode, stderr } = await agent.start(agent.state('none'), [command]);
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(
        /^error: this machine has not joined: [\s\S]*\(not_joined\)\n {2}run `kokoa-agent join URL --fingerprint F` first$/,
      );
    },
  );

  it('waits for its YAML while the control plane does not know it, and ends on TERM', async () => {
    plane.told.status = 401;
    const child = joinAs('unknown', 'tokyo-1');
    await says(child, /waiting for edges\/tokyo-1\.yaml \(or origins\/tokyo-1\.yaml\) on main/);
    const { ms, exitCode, stdout } = await terminate(child);
    expect(exitCode).toBe(1);
    expect(ms).toBeLessThan(2_000);
    expect(stdout).not.toContain(tokenFor('tokyo-1').trim());
  });

  it('refuses a control plane that is not the one it was told', async () => {
    plane.publishEdge('tokyo-1', ['a.test']);
    const args = ['join', plane.url, '--fingerprint', 'f'.repeat(64), '--no-tunnel'];
    const { exitCode, stderr } = await agent.start(agent.state('foreign'), args, tokenFor('tokyo-1'));
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringMatching(/not joined: [\s\S]*was not\s+sent\s+\(foreign_root\)\n {2}compare --fingerprint/),
    ]);
    expect(plane.reports).toEqual([]);
  });

  it.each([
    ['no token', joinArgumentsFor(), '', /no token was given \(bad_token\)/],
    ['something that is no token', joinArgumentsFor(), 'secret-thing', /this is not a node token \(bad_token\)/],
    [
      'a port that is none',
      joinArgumentsFor('--http-port', 'x'),
      tokenFor('a'),
      /--http-port: found "x", expected[\s\S]*\(settings_invalid\)/,
    ],
    [
      'a CA that is none',
      joinArgumentsFor('--ca', '/etc/hostname'),
      tokenFor('a'),
      /holds no certificate[\s\S]*\(bad_ca\)/,
    ],
    [
      'plain HTTP to elsewhere',
      ['join', 'http://control.test', '--fingerprint', 'f'.repeat(64)],
      tokenFor('a'),
      /\(bad_control_plane_url\)/,
    ],
  ])('refuses to join with %s, and writes nothing', async (_, args, input, message) => {
    const { exitCode, stderr } = await agent.start(agent.state('mistyped'), args, input);
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(message)]);
    expect(stderr).not.toContain('secret-thing');
    await expect(stat(agent.state('mistyped'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('verifies a signed bundle, and keeps its keys when it joins again', { timeout: 60_000 }, async () => {
    plane.publishEdge('tokyo-1', ['a.test']);
    const ports = ['--http-port', String(await freePort()), '--https-port', String(await freePort())];
    const first = await joinAs('rejoined', 'tokyo-1', ports);
    expect(first.stdout).toMatch(
      /joined as tokyo-1 \(edge\), version \d+ verified\nnext: kokoa-agent --state \S+ run$/,
    );
    plane.publishEdge('tokyo-1', ['a.test', 'b.test']);
    const second = await joinAs('rejoined', 'tokyo-1', ports);
    expect(second.exitCode).toBe(0);
    expect(second.stdout.split('\n')[1]).toBe(first.stdout.split('\n')[1]);
    const keys = plane.reports.map(({ enrolment }) =>
      [enrolment.signingKey, enrolment.wireguardPublicKey, enrolment.recipient].join(),
    );
    expect(new Set(keys).size).toBe(1);
  });

  it('is as it was after a join that failed, and keeps what a join does not say anew', {
    timeout: 90_000,
  }, async () => {
    plane.publishEdge('tokyo-1', ['a.test']);
    const ports = ['--http-port', String(await freePort()), '--https-port', String(await freePort())];
    await joinAs('kept', 'tokyo-1', ports);
    const state = agent.state('kept');
    const files = async () => [
      ...(await Promise.all(['settings.json', 'token', 'floor'].map((name) => readFile(join(state, name), 'utf8')))),
      await readlink(join(state, 'trusted')),
      ...(await readdir(join(state, 'bundles'))),
    ];
    const before = await files();
    plane.reports.length = 0;
    // Each of them is shown a bundle that verifies.
    plane.publishEdge('tokyo-1', ['a.test', 'b.test']);
    const other = await openSigningPlane();
    other.publishEdge('tokyo-1', ['c.test']);
    const elsewhere = ['join', other.url, '--fingerprint', other.fingerprint, '--no-tunnel'];
    const failing: [string[], string, RegExp][] = [
      [['--fingerprint', '0'.repeat(64)], tokenFor('tokyo-1'), /\(foreign_root\)/],
      [['--role', 'origin'], tokenFor('tokyo-1'), /\(role_changed\)/],
      [['--http-port', '80'], tokenFor('osaka-1'), /is the node tokyo-1, and the token is for osaka-1 \(other_node\)/],
    ];
    const fails = async (args: string[], token: string, words: RegExp) => {
      const { exitCode, stderr } = await agent.start(state, args, token);
      expect([exitCode, stderr.replace(/\s+/g, ' ')]).toEqual([1, expect.stringMatching(words)]);
      expect(await files()).toEqual(before);
    };
    for (const [more, token, words] of failing) await fails([...joinArguments(), ...more], token, words);
    await fails([...elsewhere, '--role', 'origin'], tokenFor('tokyo-1'), /\(role_changed\)/);
    expect(other.reports).toHaveLength(1);
    await other.close();
    plane.told.status = 401;
    const stranded = agent.start(state, joinArguments(['--http-port', '8080']), tokenFor('tokyo-1'));
    await says(stranded, /or the token is not the newest of tokyo-1/);
    await terminate(stranded);
    expect(await files()).toEqual(before);
    plane.told.status = 200;

    const again = await agent.start(state, joinArguments(['--https-port', '9443']), tokenFor('tokyo-1'));
    expect(again.stdout).toMatch(new RegExp(`^changed: --https-port from ${ports[3]} to 9443$`, 'm'));
    expect(again.stdout).toMatch(new RegExp(`^as before: --http-port ${ports[1]}$`, 'm'));
    const settings = JSON.parse((await files())[0]!) as { listen: object; interfaceName?: string };
    expect(settings).toMatchObject({ listen: { httpPort: Number(ports[1]), httpsPort: 9443 } });
    const imported = ['certs', 'import', 'a.test', '--cert', 'none.pem', '--key', 'none.pem'];
    expect((await agent.start(agent.state('none'), imported)).stderr).toContain('(not_joined)');
    await expect(stat(agent.state('none'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('keeps what another join said while this one looked, and does not take damage for nothing', {
    timeout: 90_000,
  }, async () => {
    plane.publishEdge('tokyo-1', ['a.test']);
    const ports = ['--http-port', String(await freePort()), '--https-port', String(await freePort())];
    await joinAs('meanwhile', 'tokyo-1', ports);
    const path = join(agent.state('meanwhile'), 'settings.json');
    const settings = async () => JSON.parse(await readFile(path, 'utf8')) as { role: string; address?: object };
    const address = { ipv4: '203.0.113.9' };
    const elsewhere = JSON.stringify({ ...(await settings()), address });
    // It asks the control plane for the time before it takes the lock.
    let asked = 0;
    Object.defineProperty(plane.told, 'status', {
      get() {
        asked += 1;
        if (asked === 1) writeFileSync(path, elsewhere);
        return 200;
      },
    });
    expect((await joinAs('meanwhile', 'tokyo-1')).stdout).toContain('--address 203.0.113.9');
    expect(await settings()).toMatchObject({ address });

    await writeFile(path, elsewhere.slice(0, -9));
    const refused = await joinAs('meanwhile', 'tokyo-1');
    expect([refused.exitCode, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/settings\.json is damaged\s+\(settings_lost\)\n[\s\S]*--force/),
    ]);
    expect(await readFile(path, 'utf8')).toBe(elsewhere.slice(0, -9));
    const others = await agent.start(agent.state('meanwhile'), joinArguments(['--force']), tokenFor('osaka-1'));
    expect(others.stderr).toContain('(other_node)');
    expect((await joinAs('meanwhile', 'tokyo-1', ['--force', ...ports])).exitCode).toBe(0);
    expect(await settings()).not.toHaveProperty('address');
  });

  it('says at join when an edge could not listen', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as { port: number };
    plane.publishEdge('tokyo-1', ['a.test']);
    const ports = ['--listen', '127.0.0.1', '--http-port', String(port), '--https-port', String(await freePort())];
    const { exitCode, stderr } = await joinAs('taken', 'tokyo-1', ports);
    await new Promise((resolve) => other.close(resolve));
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringMatching(
        new RegExp(`^error {4}TCP port ${port}: .* listens there[\\s\\S]*\\(preflight_failed\\)`, 'm'),
      ),
    ]);
  });

  it('runs an edge: serves, is the only one, says how it is, ends soon on TERM and leaves the web server', {
    timeout: 60_000,
  }, async () => {
    plane.publishEdge('tokyo-1', ['a.test']);
    const httpPort = await freePort();
    const state = agent.state('edge');
    await joinAs('edge', 'tokyo-1', [
      '--listen',
      '127.0.0.1',
      '--http-port',
      String(httpPort),
      '--https-port',
      String(await freePort()),
    ]);
    const running = agent.start(state, ['run']);
    await says(running, /"msg":"applied"/);
    expect(await status(httpPort, 'a.test')).toBe(308);

    const second = await agent.start(state, ['run']);
    expect([second.exitCode, second.stderr]).toEqual([
      1,
      expect.stringMatching(/another kokoa-agent works in [\s\S]*\(state_in_use\)/),
    ]);
    expect((await agent.start(state, ['status'])).stdout).toMatch(
      /^agent {9}running$[\s\S]*^web server {4}serves release/m,
    );

    plane.publishEdge('tokyo-1', ['a.test', 'b.test']);
    await says(running, /"msg":"applied"/);
    expect(await status(httpPort, 'b.test')).toBe(308);
    const { ms, exitCode, stdout } = await terminate(running);
    expect([ms < 2_000, exitCode]).toEqual([true, 0]);
    for (const line of stdout.split('\n')) expect(() => JSON.parse(line)).not.toThrow();
    expect(stdout).not.toContain(tokenFor('tokyo-1').trim());

    const workers = await workersOf(state);
    const once = await agent.start(state, ['once']);
    expect([once.exitCode, once.stdout.split('\n').at(-1)]).toEqual([
      0,
      expect.stringMatching(/^applied version \d+$/),
    ]);
    expect(await workersOf(state)).toEqual(workers);
    expect(await status(httpPort, 'b.test')).toBe(308);
  });

  it('tells what visitors of changed hosts get, and remembers it over kill -9', { timeout: 60_000 }, async () => {
    plane.publishRedirects('tokyo-1', ['a.test', 'b.test']);
    const ports = ['--http-port', String(await freePort()), '--https-port', String(await freePort())];
    await joinAs('visited', 'tokyo-1', ['--listen', '127.0.0.1', ...ports]);
    const state = agent.state('visited');
    const maker = await createCertificateMaker();
    const { certFile, keyFile } = await maker.files({ names: ['DNS:a.test'] });
    await agent.start(state, ['certs', 'import', 'a.test', '--cert', certFile, '--key', keyFile]);
    await maker.close();

    const running = agent.start(state, ['run']);
    const answers = () => plane.reports.at(-1)?.answers;
    await expect.poll(answers, { timeout: 20_000 }).toEqual([
      { hostname: 'a.test', status: 302, since: expect.any(String) },
      { hostname: 'b.test', failure: expect.stringMatching(/^no_certificate: /), since: expect.any(String) },
    ]);
    expect(plane.reports.at(-1)?.state).toBe('applied');
    expect(plane.reports.map(validateStatusReport).filter((problem) => problem !== undefined)).toEqual([]);
    const before = answers();
    // The report may be there a moment before the file is.
    const shown = async () => (await agent.start(state, ['status'])).stdout;
    await expect
      .poll(shown, { timeout: 20_000 })
      .toMatch(/^answer {8}b\.test: no_certificate: [\s\S]*^answer {8}a\.test: 302, since /m);

    running.kill('SIGKILL');
    await running;
    plane.reports.length = 0;
    const again = agent.start(state, ['run']);
    await expect.poll(() => plane.reports.find(({ state }) => state === 'applied'), { timeout: 20_000 }).toBeDefined();
    expect(plane.reports.find(({ state }) => state === 'applied')?.answers).toEqual(before);
    await terminate(again);
  });

  it('runs an origin without a web server or certificates', { timeout: 30_000 }, async () => {
    plane.publishOrigin('home', [8080]);
    const state = agent.state('origin');
    expect((await joinAs('origin', 'home', ['--allow', '8080'])).stdout).toContain('joined as home (origin)');
    const running = agent.start(state, ['run']);
    await says(running, /"msg":"applied"/);
    await expect
      .poll(() => plane.reports.at(-1), { timeout: 20_000 })
      .toMatchObject({ state: 'applied', enrolment: { allow: ['8080'] } });
    expect((await terminate(running)).ms).toBeLessThan(2_000);
    expect(
      (await readdir(state)).filter((name) => ['acme', 'certs', 'current', 'pool.key', 'releases'].includes(name)),
    ).toEqual([]);
  });
});

function joinArgumentsFor(...more: string[]): string[] {
  return ['join', 'http://127.0.0.1:1', '--fingerprint', 'f'.repeat(64), '--no-tunnel', ...more];
}

async function workersOf(state: string): Promise<string> {
  const pid = (await readFile(join(state, 'run/nginx.pid'), 'utf8')).trim();
  return `${pid}: ${await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')}`;
}

/** Status of a plain request to the edge. */
function status(port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, headers: { host }, agent: false, timeout: 5_000 }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on('error', reject);
  });
}
