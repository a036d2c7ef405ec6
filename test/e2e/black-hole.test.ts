// An origin falls silent without a word: its packets vanish, its connections stay. Real agents, nginx, WireGuard and packet filters; the
// bundles are signed here, so that no control plane is needed.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PUBLIC } from '../../lab/addresses.ts';
import { blackHole, endBlackHole } from '../../lab/faults.ts';
import { labMode } from '../../lab/prerequisites.ts';
import { openSignedLab, type SignedLab } from './signed-lab.ts';
import { NODES, type NodeName } from './signed-nodes.ts';

/** Far above what a failover needs, far below the hour that a kept connection would hang. */
const ANSWER_MS = 5_000;
const CURL_COULD_NOT_CONNECT = 7;

/** Home first and office behind it; and each of them alone, on a port that nobody else asks for. */
const ROUTES = {
  'app.hoge.test': {
    backends: [
      { address: NODES.home.address, port: 8080 },
      { address: NODES.office.address, port: 8080, backup: true as const },
    ],
  },
  // So rarely that only somebody who suspects it finds out in time.
  'rare.hoge.test': {
    backends: [
      { address: NODES.home.address, port: 8080 },
      { address: NODES.office.address, port: 8080, backup: true as const },
    ],
    check: { kind: 'http' as const, path: '/', intervalMs: 600_000, timeoutMs: 500, healthy: 1, unhealthy: 1 },
  },
  'home.hoge.test': { backends: [{ address: NODES.home.address, port: 8081 }] },
  'office.hoge.test': { backends: [{ address: NODES.office.address, port: 8081 }] },
};

/** Says what it was asked, a line each; never answers /hold; gives back what it gets on an upgraded connection. */
const SERVICE = `
const [name] = process.argv.slice(1);
for (const port of [8080, 8081]) {
  const server = require('node:http').createServer((request, response) => {
    console.log(request.method, request.url);
    if (request.url !== '/hold') response.end(JSON.stringify({ name }));
  });
  server.keepAliveTimeout = 60_000;
  server.on('upgrade', (request, socket) => {
    socket.on('error', () => undefined);
    socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\\r\\n');
    socket.pipe(socket);
  });
  server.listen(port, '0.0.0.0', () => console.log('listening', port));
}
`;

/** Opens a WebSocket and says a number ten times a second; tells which came back, and when the connection ends. */
const TALKER = `
const [address, servername] = process.argv.slice(1);
const socket = require('node:tls').connect({ host: address, port: 443, servername, rejectUnauthorized: false }, () => {
  socket.write('GET /ws HTTP/1.1\\r\\nHost: ' + servername + '\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\\r\\n');
  let count = 0;
  setInterval(() => socket.write('said ' + count++ + '\\n'), 100);
});
socket.on('data', (data) => process.stdout.write(data));
socket.on('error', (error) => console.log('ended', error.code));
socket.on('close', () => { console.log('ended'); process.exit(); });
`;

const mode = labMode();

describe.runIf(mode.mode === 'full')('an origin whose packets vanish', () => {
  let lab: SignedLab;

  beforeAll(async () => {
    lab = await openSignedLab(ROUTES, { service: SERVICE, answerMs: ANSWER_MS });
    for (const name of ['home', 'office'] as const) await lab.answeredBy(name, `${name}.hoge.test`, 20_000);
    await lab.answeredBy('home', 'app.hoge.test', 15_000);
  }, 60_000);

  afterAll(async () => {
    expect(await lab?.end()).toEqual([]);
  }, 30_000);

  const hostOf = (name: NodeName) => lab.nodes.hostOf(name);
  const homeLink = () => lab.network.link(hostOf('home'));
  const visit = (path: string) => lab.visit('app.hoge.test', path);
  /** Connections that the web server keeps to a service of home. */
  async function kept(port: number): Promise<string[]> {
    const filter = ['state', 'established', 'dst', `${NODES.home.address}:${port}`];
    const { stdout } = await hostOf('tokyo-1').exec('ss', ['-Hnt', ...filter]);
    return stdout.split('\n').filter(Boolean);
  }

  async function refusals(): Promise<string> {
    const { stdout } = await hostOf('tokyo-1').exec('nft', ['list', 'tables']);
    return stdout.split('\n').find((line) => line.endsWith('_dead')) ?? '';
  }

  it('a failover loses no request that may be repeated, repeats none that may not, and ends with the silence', async () => {
    const load = lab.client.load({
      targets: [visit('/1'), visit('/2'), visit('/3')],
      ratePerSecond: 30,
      expect: { status: 200 },
    });
    await expect.poll(async () => (await kept(8080)).length).toBeGreaterThan(0);
    const posted = lab.client.request({ ...visit('/hold'), method: 'POST', body: 'once' });
    await lab.services.home.ready(/POST \/hold/);

    await blackHole(homeLink());
    try {
      await lab.answeredBy('office', 'app.hoge.test');
      expect(await posted).toMatchObject({ kind: 'response', status: 502 });
      await lab.nodes.agents['tokyo-1'].ready(/"node":"home","msg":"a tunnel is dead"/);
      await lab.nodes.agents['tokyo-1'].ready(/"hostname":"rare.hoge.test"[^\n]*"msg":"a backend does not answer"/);
      // What is said is done a moment later.
      await expect.poll(() => kept(8080)).toEqual([]);
      expect(await refusals()).toMatch(/^table ip kokoa_.*_dead$/);
    } finally {
      await endBlackHole(homeLink());
    }
    await lab.nodes.agents['tokyo-1'].ready(/"node":"home","msg":"a dead tunnel is alive again"/);
    await expect.poll(refusals).toBe('');
    // nginx asks home again when its fail_timeout is over.
    await lab.answeredBy('home', 'app.hoge.test', 15_000);
    const { sent, failures } = await load.stop();
    expect(failures).toEqual([]);
    expect(sent).toBeGreaterThan(30);
    const posts = [lab.services.home, lab.services.office].map((service) => service.log().match(/POST/g)?.length ?? 0);
    expect(posts).toEqual([1, 0]);
  }, 60_000);

  it('a WebSocket to the only backend of its route survives two seconds of it, while the service beside it is reset', async () => {
    const arguments_ = [PUBLIC['edge-1'].ipv4, 'home.hoge.test'];
    const talker = lab.network.hosts.client.start('talker', process.execPath, ['-e', TALKER, ...arguments_]);
    await talker.ready(/said 5\n/);
    const load = lab.client.load({ targets: [visit('/4')], ratePerSecond: 20 });
    const deaths = () => lab.nodes.agents['tokyo-1'].log().match(/a tunnel is dead/g)?.length ?? 0;
    const before = deaths();
    const [connection = ''] = (await kept(8081)).slice(-1);
    await blackHole(homeLink());
    try {
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      await expect.poll(deaths, { timeout: ANSWER_MS }).toBe(before + 1);
    } finally {
      await endBlackHole(homeLink());
    }
    await talker.ready(/said 60\n/, 20_000);
    const numbers = [...talker.log().matchAll(/said (\d+)/g)].map(([, number]) => Number(number));
    expect(numbers).toEqual(numbers.map((_, index) => index));
    expect(talker.log()).not.toContain('ended');
    expect((await kept(8081)).join('\n')).toContain(connection.split(/\s+/)[2]);
    expect((await load.stop()).failures).toEqual([]);
    await talker.stop();
  }, 60_000);

  it('after a moment in which nobody was reached, the one that is back answers soon, although the other is not', async () => {
    const officeLink = lab.network.link(hostOf('office'));
    const load = lab.client.load({ targets: [visit('/6')], ratePerSecond: 20 });
    await Promise.all([blackHole(homeLink()), blackHole(officeLink)]);
    try {
      // Long enough for the web server to have given up both.
      await new Promise((resolve) => setTimeout(resolve, 3_000)).finally(() => endBlackHole(officeLink));
      await lab.answeredBy('office', 'app.hoge.test');
    } finally {
      await endBlackHole(homeLink());
      await load.stop();
    }
    await lab.answeredBy('home', 'app.hoge.test', 15_000);
  }, 60_000);

  it('an agent that is killed leaves no refusal in force', async () => {
    // As a worker of the web server: what root sends passes in any case.
    const connects = () =>
      hostOf('tokyo-1').attempt('setpriv', [
        ...['--reuid', 'www-data', '--clear-groups', 'curl', '-sS', '-m', '1', `http://${NODES.home.address}:8080/`],
      ]);
    const load = lab.client.load({ targets: [visit('/5')], ratePerSecond: 30 });
    await lab.answeredBy('home', 'app.hoge.test', 15_000);
    await blackHole(homeLink());
    try {
      await expect.poll(refusals, { timeout: ANSWER_MS }).toMatch(/_dead$/);
      expect(await connects()).toMatchObject({ exitCode: CURL_COULD_NOT_CONNECT });
      await lab.nodes.agents['tokyo-1'].kill9();
    } finally {
      await endBlackHole(homeLink());
    }
    await expect.poll(async () => (await connects()).stdout, { timeout: 10_000 }).toContain('home');
    await load.stop();
    lab.nodes.start('tokyo-1');
    await expect.poll(refusals, { timeout: 10_000 }).toBe('');
  }, 60_000);
});
