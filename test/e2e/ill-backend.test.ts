// A service that takes connections and says that it cannot work, as one does that is about to be replaced: only who asks beforehand finds out. Real
// agents, nginx, WireGuard and packet filters; the bundles are signed here, so that no control plane is needed.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { labMode } from '../../lab/prerequisites.ts';
import { ORIGINS, type OriginName, openSignedLab, type SignedLab } from './signed-lab.ts';
import { NODES } from './signed-nodes.ts';

const ANSWER_MS = 15_000;
const CHECK = {
  ...{ kind: 'http' as const, path: '/healthz', status: { from: 200, to: 200 } },
  ...{ intervalMs: 1_000, timeoutMs: 800, healthy: 2, unhealthy: 2 },
};
const ROUTES = {
  'app.hoge.test': {
    backends: [
      { address: NODES.home.address, port: 8080 },
      { address: NODES.office.address, port: 8080, backup: true as const },
    ],
    check: CHECK,
  },
  // So rarely that only somebody who suspects it finds out in time.
  'rare.hoge.test': {
    backends: [
      { address: NODES.home.address, port: 8081 },
      { address: NODES.office.address, port: 8081, backup: true as const },
    ],
    check: { kind: 'tcp' as const, intervalMs: 600_000, timeoutMs: 800, healthy: 1, unhealthy: 1 },
  },
  'home.hoge.test': { backends: [{ address: NODES.home.address, port: 8080 }] },
  'office.hoge.test': { backends: [{ address: NODES.office.address, port: 8080 }] },
};

/** Serves in any case, and says of its health what it was told; `/slow` ends when it is told to; 8081 is closed for good by `/close`. */
const SERVICE = `
const [name] = process.argv.slice(1);
let health = 200;
const slow = [];
const server = require('node:http').createServer((request, response) => {
  if (request.url === '/healthz') {
    console.log('asked');
    return response.writeHead(health).end();
  }
  console.log(request.method, request.url);
  if (request.url === '/ill' || request.url === '/well') health = request.url === '/ill' ? 503 : 200;
  if (request.url === '/close') other.close().closeAllConnections();
  if (request.url === '/end') for (const one of slow.splice(0)) one.end('to the end');
  if (request.url !== '/slow') return response.end(JSON.stringify({ name }));
  response.write('from the beginning ');
  slow.push(response);
});
server.keepAliveTimeout = 60_000;
const other = require('node:http').createServer((request, response) => response.end(JSON.stringify({ name })));
other.listen(8081, '0.0.0.0', () => server.listen(8080, '0.0.0.0', () => console.log('listening')));
`;

const mode = labMode();

describe.runIf(mode.mode === 'full')('a service that says that it is ill', () => {
  let lab: SignedLab;

  beforeAll(async () => {
    lab = await openSignedLab(ROUTES, { service: SERVICE, answerMs: ANSWER_MS });
    for (const name of ORIGINS) await answeredBy(name, `${name}.hoge.test`);
    // While the tunnels came up both may have been down; after some answers they are not.
    const questions = () => Object.values(lab.services).map((service) => service.log().match(/^asked$/gm)?.length ?? 0);
    await vi.waitFor(() => expect(Math.min(...questions())).toBeGreaterThanOrEqual(4), { timeout: ANSWER_MS });
    await answeredBy('home');
  }, 90_000);

  afterAll(async () => {
    expect(await lab?.end()).toEqual([]);
  }, 30_000);

  const visit = (path: string) => lab.visit('app.hoge.test', path);
  const answeredBy = (name: OriginName, hostname = 'app.hoge.test') => lab.answeredBy(name, hostname);
  const tell = (name: OriginName, path: string) =>
    lab.nodes.hostOf(name).exec('curl', ['-sSf', '-m', '5', `http://127.0.0.1:8080${path}`]);
  const visitsOf = (name: OriginName) => lab.services[name].log().match(/GET \/visit/g)?.length ?? 0;

  /** How many one of them gets while the other gets so many. */
  async function visitsWhile(count: number, name: OriginName): Promise<number> {
    const other = name === 'home' ? 'office' : 'home';
    const [before, until] = [visitsOf(name), visitsOf(other) + count];
    await expect.poll(() => visitsOf(other), { timeout: ANSWER_MS }).toBeGreaterThanOrEqual(until);
    return visitsOf(name) - before;
  }

  it('is sent nobody any more; what it began it ends; and when it is well it is asked again, without a request lost', async () => {
    const slow = lab.client.request(visit('/slow'));
    await lab.services.home.ready(/GET \/slow/);
    const load = lab.client.load({ targets: [visit('/visit')], ratePerSecond: 30, expect: { status: 200 } });
    await expect.poll(() => visitsOf('home'), { timeout: ANSWER_MS }).toBeGreaterThan(10);
    await tell('home', '/ill');
    await answeredBy('office');
    await lab.nodes.agents['tokyo-1'].ready(
      /"backend":"10.100.1.1:8080","check":"http","hostname":"app.hoge.test","reason":"wrong_status: 503/,
    );

    // Old workers end what they have accepted; then nobody comes.
    await expect.poll(() => visitsWhile(30, 'home'), { timeout: ANSWER_MS, interval: 0 }).toBe(0);

    await tell('home', '/end');
    expect(await slow).toMatchObject({ kind: 'response', status: 200, body: 'from the beginning to the end' });
    await tell('home', '/well');
    await answeredBy('home');
    const { sent, failures } = await load.stop();
    expect(failures).toEqual([]);
    expect(sent).toBeGreaterThan(60);
  }, 90_000);

  it('is sent those who have nobody else: it may be wrong, and they would get nothing at all', async () => {
    await tell('home', '/ill');
    await answeredBy('office');
    expect(await lab.client.request(lab.visit('home.hoge.test'))).toMatchObject({ kind: 'response', status: 200 });
    await tell('office', '/ill');
    await answeredBy('home');
    await tell('office', '/well');
    await answeredBy('office');
  }, 60_000);

  it('is sent nobody either by an agent that starts again', async () => {
    await lab.nodes.agents['tokyo-1'].kill9();
    const home = visitsOf('home');
    const load = lab.client.load({ targets: [visit('/visit')], ratePerSecond: 30, expect: { status: 200 } });
    lab.nodes.start('tokyo-1');
    await lab.nodes.agents['tokyo-1'].ready(/serving the last known good configuration/);
    const office = visitsOf('office');
    await expect.poll(() => visitsOf('office'), { timeout: ANSWER_MS }).toBeGreaterThan(office + 60);
    expect(visitsOf('home')).toBe(home);
    expect((await load.stop()).failures).toEqual([]);
    await tell('home', '/well');
    await answeredBy('home');
  }, 60_000);

  it('is asked soon when a request failed, and told of for that alone', async () => {
    await answeredBy('home', 'rare.hoge.test');
    await tell('home', '/close');
    await answeredBy('office', 'rare.hoge.test');
    const agent = lab.nodes.agents['tokyo-1'];
    await agent.ready(/"backend":"10\.100\.1\.1:8081","msg":"a backend fails requests"/);
    await agent.ready(/"backend":"10\.100\.1\.1:8081",[^\n]*"msg":"a backend does not answer"/);
  }, 60_000);
});
