// The lab itself: its network is what it claims to be, and its servers work with the real programs.
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Webhooks } from '@octokit/webhooks';
import { calculateJwkThumbprint, type JWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOME, NAMES, PORTS, PUBLIC } from '../../lab/addresses.ts';
import { type Client, openClient } from '../../lab/client.ts';
import { type Dns, startDns } from '../../lab/dns.ts';
import { blackHole, cutLink, endBlackHole, restoreLink } from '../../lab/faults.ts';
import { createDeveloper } from '../../lab/git-developer.ts';
import { startGitServer } from '../../lab/git-server.ts';
import type { Host } from '../../lab/namespace.ts';
import { buildNetwork, type Network } from '../../lab/network.ts';
import { startOrigin } from '../../lab/origin.ts';
import { type Pebble, startPebble } from '../../lab/pebble.ts';
import { createPki, type Pki } from '../../lab/pki.ts';
import { labMode } from '../../lab/prerequisites.ts';
import type { ProbeResult, ProbeTarget } from '../../lab/probe-protocol.ts';
import { createRun, type Run } from '../../lab/run.ts';
import { unlikeGitHub } from './webhook-examples.ts';

const mode = labMode();
if (mode.mode === 'loopback' && process.env.CI === 'true') throw new Error(`the lab cannot run here: ${mode.why}`);

describe.runIf(mode.mode === 'full')(`the lab${mode.mode === 'full' ? '' : ` (${mode.why})`}`, () => {
  let run: Run;
  let network: Network;
  let pki: Pki;
  let dns: Dns;
  let client: Client;

  beforeAll(async () => {
    run = createRun();
    network = await buildNetwork(run);
    pki = await createPki(run);
    dns = await startDns(network);
    client = await openClient(network.hosts.client);
  }, 30_000);

  afterAll(async () => {
    await client?.close();
    expect(await run?.end()).toEqual([]);
  }, 30_000);

  describe('its network', () => {
    it.each([
      ['client', PUBLIC['edge-1'].ipv4, true],
      ['edge-1', PUBLIC['edge-2'].ipv6, true],
      ['origin-1', PUBLIC['edge-1'].ipv4, true],
      ['origin-2', PUBLIC['edge-2'].ipv4, true],
      ['origin-1', HOME['origin-2'].ipv4, true],
      ['nat', HOME['origin-1'].ipv4, true],
      ['edge-1', HOME['origin-1'].ipv4, false],
      ['edge-1', '127.0.0.1', true],
    ] as const)('lets %s ping %s: %s', { timeout: 5_000 }, async (from, to, works) => {
      expect(await pings(network.hosts[from], to)).toBe(works);
    });

    it('forwards nothing into the home, even for who knows the way', { timeout: 5_000 }, async () => {
      const edge = network.hosts['edge-1'];
      await edge.exec('ip', ['route', 'add', '192.168.7.0/24', 'via', PUBLIC.nat.ipv4]);
      expect(await pings(edge, '192.168.7.1')).toBe(true);
      expect(await pings(edge, HOME['origin-1'].ipv4)).toBe(false);
      await edge.exec('ip', ['route', 'del', '192.168.7.0/24']);
    });

    it('shows an origin to the edges under the address of its NAT', { timeout: 20_000 }, async () => {
      const service = await startOrigin(network.hosts['edge-2'], { name: 'mirror', port: 8081 });
      const url = `http://${PUBLIC['edge-2'].ipv4}:8081/`;
      const { stdout } = await network.hosts['origin-1'].exec('curl', ['-sS', '--max-time', '2', url]);
      expect(JSON.parse(stdout)).toMatchObject({ name: 'mirror', peer: PUBLIC.nat.ipv4 });
      await service.stop();
      expect(service.alive()).toBe(false);
    });

    it('can cut a host off and black-hole it, and take both back', { timeout: 30_000 }, async () => {
      const from = network.hosts.client;
      for (const name of ['edge-1', 'origin-1'] as const) {
        const link = network.link(network.hosts[name]);
        const reaches = () => pings(network.hosts[name], PUBLIC.client.ipv4);
        for (const [start, end] of [
          [cutLink, restoreLink],
          [blackHole, endBlackHole],
        ] as const) {
          await start(link);
          expect(await reaches()).toBe(false);
          await end(link);
          // The kernel may need a second to see the carrier or to ask again for a neighbour's address.
          await expect.poll(reaches, { timeout: 4_000, interval: 50 }).toBe(true);
        }
      }
      expect(await pings(from, PUBLIC['edge-2'].ipv4)).toBe(true);
    });

    it('resolves the same names everywhere, and only those that were set', { timeout: 5_000 }, async () => {
      await dns.setAddresses('two.hoge.com', [PUBLIC['edge-1'].ipv4, PUBLIC['edge-2'].ipv4, PUBLIC['edge-1'].ipv6]);
      await dns.setAddresses('two.hoge.com', [PUBLIC['edge-2'].ipv4, PUBLIC['edge-2'].ipv6]);
      for (const host of [network.hosts['origin-1'], network.hosts.control]) {
        expect(await resolve(host, 'two.hoge.com')).toEqual([PUBLIC['edge-2'].ipv4, PUBLIC['edge-2'].ipv6]);
        expect(await resolve(host, NAMES.git)).toEqual([PUBLIC.git.ipv4]);
        expect(await resolve(host, 'three.hoge.com')).toEqual([]);
      }
    });

    it('takes one more host, and away again', { timeout: 20_000 }, async () => {
      const address = { ipv4: '198.51.100.13' };
      const host = await network.addPublicHost('edge-3', address);
      const left = host.start('left', 'setsid', ['--fork', 'sleep', '600']);
      await left.ended();
      expect(await pings(network.hosts.client, address.ipv4)).toBe(true);
      await host.remove();
      expect(await pings(network.hosts.client, address.ipv4)).toBe(false);
      await network.addPublicHost('edge-3', address);
      expect(await pings(network.hosts.client, address.ipv4)).toBe(true);
    });
  });

  describe('its visitor', () => {
    const target: ProbeTarget = { hostname: 'app.hoge.com', address: PUBLIC['edge-2'].ipv4, port: 8082, http: true };

    it('sees bodies, streams and WebSockets of the service', { timeout: 30_000 }, async () => {
      const service = await startOrigin(network.hosts['edge-2'], { name: 'home', port: 8082 });
      const posted = await client.request({ ...target, method: 'POST', path: '/a?b=c', body: 'x'.repeat(1_000) });
      expect(json(posted)).toMatchObject({ name: 'home', host: 'app.hoge.com:8082', method: 'POST', path: '/a?b=c' });
      expect(json(posted)).toMatchObject({ bodyBytes: 1_000, peer: PUBLIC.client.ipv4, forwardedFor: null });

      const events = await client.request({ ...target, path: '/sse?count=3&everyMs=100' });
      expect(events).toMatchObject({ status: 200, body: 'data: 1\n\ndata: 2\n\ndata: 3\n\n' });
      expect(
        events.timings.endedAt - (events.kind === 'response' ? (events.timings.firstByteAt ?? 0) : 0),
      ).toBeGreaterThan(150);

      for (const text of ['hello', 'long '.repeat(2_000)]) {
        expect(await client.webSocket({ ...target, path: '/ws' }, text)).toMatchObject({ kind: 'echoed', text });
      }
      expect(await client.webSocket({ ...target, path: '/elsewhere' }, 'hello')).toMatchObject({ kind: 'failed' });
      await service.stop();
    });

    it('finds the moment when a service begins to answer', { timeout: 30_000 }, async () => {
      const waiting = client.until(target, { status: 200, bodyIncludes: '"home"' }, { timeoutMs: 8_000 });
      expect(await client.until(target, { status: 200 }, { timeoutMs: 100 })).toMatchObject({ kind: 'timeout' });
      const before = performance.timeOrigin + performance.now();
      const service = await startOrigin(network.hosts['edge-2'], { name: 'home', port: 8082 });
      const found = await waiting;
      expect(found).toMatchObject({ kind: 'matched', result: { status: 200 } });
      if (found.kind === 'matched') expect(found.at).toBeGreaterThan(before);
      await service.kill9();
      expect(await client.until(target, { failure: 'ECONNREFUSED' }, { timeoutMs: 2_000 })).toMatchObject({
        kind: 'matched',
      });
    });

    it('counts every failure of a load, with its time and reason', { timeout: 30_000 }, async () => {
      const service = await startOrigin(network.hosts['edge-2'], { name: 'home', port: 8082 });
      const load = client.load({ targets: [target, { ...target, path: '/?second' }], ratePerSecond: 100 });
      await client.until(target, { status: 200 });
      const killedAt = performance.timeOrigin + performance.now();
      await service.kill9();
      await client.until(target, { failure: true });
      // The load has requests of its own, ten milliseconds apart.
      await new Promise((resolve) => setTimeout(resolve, 300));
      const report = await load.stop();
      expect(report.failed).toBeGreaterThan(0);
      expect(report.succeeded + report.failed).toBe(report.sent);
      for (const failure of report.failures) {
        expect(failure.reason).toMatch(/^ECONN/);
        expect(failure.endedAt).toBeGreaterThan(killedAt - 100);
      }
    });
  });

  describe('its certificate authority', () => {
    let pebble: Pebble;

    beforeAll(async () => {
      pebble = await startPebble(network, pki);
    }, 30_000);

    it('gives certbot a certificate when another edge answers with the thumbprint', { timeout: 60_000 }, async () => {
      const hostname = 'app.hoge.com';
      const [orderer, answering] = [network.hosts['edge-1'], network.hosts['edge-2']];
      const certbot = (...args: string[]) => {
        const folders = ['--config-dir', 'le', '--work-dir', 'le/work', '--logs-dir', 'le/logs'];
        const all = [...args, '-n', '--agree-tos', '--server', pebble.directoryUrl, ...folders];
        return orderer.exec('certbot', all, { env: { REQUESTS_CA_BUNDLE: pebble.caFile }, timeoutMs: 40_000 });
      };
      await certbot('register', '--register-unsafely-without-email');
      const thumbprint = await accountThumbprint(join(orderer.directory, 'le'));
      await startNginx(answering, thumbprint);
      await dns.setAddresses(hostname, [PUBLIC['edge-2'].ipv4]);
      expect(await pebble.finalisedOrders()).toEqual(new Map());

      const manual = ['--manual', '--preferred-challenges', 'http', '--manual-auth-hook', '/bin/true'];
      await certbot('certonly', ...manual, '-d', hostname, '--key-type', 'ecdsa');
      const live = join(orderer.directory, 'le', 'live', hostname);
      await startNginx(answering, thumbprint, live);

      const target = { hostname, address: PUBLIC['edge-2'].ipv4, ca: await pebble.issuingRoot() };
      const found = await client.until(target, { status: 200, verified: true, bodyIncludes: 'edge' });
      expect(found).toMatchObject({ kind: 'matched', result: { tls: { alternativeNames: [`DNS:${hostname}`] } } });
      const otherName = await client.request({ ...target, hostname: 'wiki.fuga.com' });
      expect(otherName).toMatchObject({
        status: 200,
        tls: { verified: false, reason: 'ERR_TLS_CERT_ALTNAME_INVALID' },
      });
      const otherRoot = await client.request({ ...target, ca: pki.caPem });
      expect(otherRoot).toMatchObject({ status: 200, tls: { verified: false } });
      expect(await pebble.finalisedOrders()).toEqual(new Map([[hostname, 1]]));
    });

    it('has a new root after a restart, and still knows what it issued', { timeout: 40_000 }, async () => {
      const [root, orders] = [await pebble.issuingRoot(), await pebble.finalisedOrders()];
      await pebble.stop();
      await pebble.start();
      expect(await pebble.issuingRoot()).not.toBe(root);
      expect(await pebble.finalisedOrders()).toEqual(orders);
      await pebble.stop();
    });
  });

  it('tells a receiver of each push as GitHub does, unless told to lose it', { timeout: 40_000 }, async () => {
    const { control, git, client: desk } = network.hosts;
    const received = join(control.directory, 'received.jsonl');
    const { certFile, keyFile } = await pki.certificate([NAMES.control]);
    const program = fileURLToPath(new URL('webhook-receiver.ts', import.meta.url));
    writeFileSync(received, '');
    await control.start('receiver', process.execPath, [program, certFile, keyFile, received]).ready(/listening/);
    const secret = 'not a secret';
    const server = await startGitServer({
      host: git,
      address: PUBLIC.git.ipv4,
      port: PORTS.git,
      hostname: NAMES.git,
      certificate: await pki.certificate([NAMES.git]),
      webhook: { url: `https://${NAMES.control}:${PORTS.control}/webhooks/github`, secret, caFile: pki.caFile },
    });
    const developer = await createDeveloper({ host: desk, url: server.url, caFile: pki.caFile });
    const deliveries = async (count: number) => {
      const end = performance.now() + 5_000;
      while (server.deliveries().length < count && performance.now() < end)
        await new Promise((next) => setTimeout(next, 5));
      return server.deliveries().map(({ outcome, after }) => ({ outcome, after }));
    };

    const first = await developer.commit({ 'routes/hoge/a.yaml': 'a: 1\n', 'b c.txt': 'ü' }, 'First: "quoted"\n\nBody');
    await deliveries(1);
    server.loseWebhooks(true);
    const lost = await developer.commit({ 'routes/hoge/a.yaml': 'a: 2\n', 'b c.txt': null }, 'Lost');
    await deliveries(2);
    server.loseWebhooks(false);
    const reverted = await developer.revert(lost.commit);
    await deliveries(3);
    // What others do in the repository, such as merges, is told of by them.
    for (const ref of ['refs/heads/merged-by-github', 'refs/pull/1/head'])
      await git.exec('git', ['--git-dir', server.repository, 'update-ref', ref, first.commit]);
    const forced = await developer.forcePush(first.commit, { 'big.bin': new Uint8Array(3_000_000).fill(7) });
    const last = await developer.commit({ 'routes/hoge/a.yaml': 'a: 4\n' }, 'Last');
    expect(await deliveries(5)).toEqual([
      { outcome: 'delivered', after: first.commit },
      { outcome: 'lost', after: lost.commit },
      { outcome: 'delivered', after: reverted.commit },
      { outcome: 'delivered', after: forced.commit },
      { outcome: 'delivered', after: last.commit },
    ]);

    const posts = readFileSync(received, 'utf8').trim().split('\n').map(parsePost);
    const webhooks = new Webhooks({ secret });
    for (const post of posts) {
      expect(post.headers['x-github-event']).toBe('push');
      expect(await webhooks.verify(post.body, post.headers['x-hub-signature-256'] ?? '')).toBe(true);
    }
    expect(new Set(posts.map((post) => post.headers['x-github-delivery'])).size).toBe(4);
    const payloads = posts.map((post) => JSON.parse(post.body));
    expect(payloads[0]).toMatchObject({ ref: 'refs/heads/main', created: true, after: first.commit, forced: false });
    expect(payloads[0].head_commit).toMatchObject({ id: first.commit, message: 'First: "quoted"\n\nBody' });
    expect(payloads[0].commits[0].added.sort()).toEqual(['b c.txt', 'routes/hoge/a.yaml']);
    expect(payloads[1]).toMatchObject({ before: lost.commit, after: reverted.commit, forced: false });
    expect(payloads[1].commits[0]).toMatchObject({ modified: ['routes/hoge/a.yaml'], added: ['b c.txt'] });
    expect(payloads[2]).toMatchObject({ before: reverted.commit, after: forced.commit, forced: true });
    const hasCommits = (example: Record<string, unknown>) => (example.commits as unknown[]).length > 0;
    expect(unlikeGitHub('push', payloads[0], hasCommits)).toEqual([]);
  });
});

async function pings(from: Host, to: string): Promise<boolean> {
  return (await from.attempt('ping', ['-n', '-c', '1', '-W', '0.5', to])).exitCode === 0;
}

async function resolve(host: Host, name: string): Promise<string[]> {
  const { stdout } = await host.attempt('getent', ['ahosts', name]);
  return [...new Set(stdout.split('\n').flatMap((line) => line.split(/\s+/, 1)[0] || []))].sort();
}

function json(result: ProbeResult): unknown {
  return result.kind === 'response' ? JSON.parse(result.body) : result;
}

function parsePost(line: string): { headers: Record<string, string>; body: string } {
  return JSON.parse(line);
}

async function accountThumbprint(configFolder: string): Promise<string> {
  const accounts = join(configFolder, 'accounts');
  const [keyFile = ''] = globSync('**/private_key.json', { cwd: accounts });
  return calculateJwkThumbprint(JSON.parse(readFileSync(join(accounts, keyFile), 'utf8')) as JWK);
}

/** Starts nginx as a daemon, or makes the running one read its new configuration. */
async function startNginx(host: Host, thumbprint: string, live?: string): Promise<void> {
  const file = join(host.directory, 'nginx.conf');
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${host.directory}/${name};`,
  );
  const challenge = `location ~ ^/\\.well-known/acme-challenge/([A-Za-z0-9_-]+)$ { return 200 "$1.${thumbprint}"; }`;
  const secure = `listen 443 ssl; ssl_certificate ${live}/fullchain.pem; ssl_certificate_key ${live}/privkey.pem;`;
  writeFileSync(
    file,
    `user root; pid ${host.directory}/nginx.pid; error_log ${host.directory}/nginx.log; events {}
http { access_log off; ${paths.join(' ')}
  server { listen 80; ${challenge} ${live === undefined ? '' : secure} location / { return 200 "edge\\n"; } } }\n`,
  );
  await host.exec('nginx', live === undefined ? ['-c', file] : ['-c', file, '-s', 'reload']);
}
