// What the lists say of edges, hostnames, certificates and DNS, and to whom.
import { afterEach, describe, expect, it } from 'vitest';
import type { EdgeStanding } from '../fleet-health.ts';
import { edgeConfig, type Installation, install, machineOf, NODE_PATH, report } from './http.fixture.ts';
import { startProposing, TEAM_TOKENS } from './proposals.fixture.ts';
import { UNSETTLED_MAX } from './shown-visitors.ts';

const TIME = '2030-01-01T00:00:00.000Z';
const SINCE_MS = Date.parse(TIME);
const HOSTILE = `\u001b[2J\n${'x'.repeat(5000)}`;

let at: Installation;
afterEach(() => at.close());

const edge = (name: string) => ({ name, state: 'active', address: '10.100.0.1', generation: 1, pool: 'default' });
const route = (hostname: string, team = 'hoge') => ({ hostname, team, pool: 'default', origin: 'home', port: 80 });
const json = async (path: string, init?: RequestInit) =>
  (await (await at.ask(path, init)).json()) as Record<string, Record<string, unknown>[]>;

const DOWN: EdgeStanding = {
  ...{ edge: 'a', pool: 'default' },
  verdict: { state: 'down', votes: [{ by: 'reconciler', up: false, since: TIME, reason: HOSTILE }] },
  member: { edge: 'a', inDns: false, sinceMs: SINCE_MS, reason: HOSTILE, falls: 1 },
};
const unsettled = (name: string) => ({ name, kind: 'foreign' as const, reason: HOSTILE, sinceMs: SINCE_MS });

it('says who sees an edge down and whether it is in DNS, in words that are bounded and printable', async () => {
  at = await install({ visitors: { edges: () => [DOWN], zones: () => [] } });
  at.served.update({ listing: { routes: [], origins: [], edges: [edge('a'), edge('b')] } });
  const [a, b] = (await json('/api/v1/edges')).edges!;
  expect(a).toMatchObject({ health: { state: 'down', votes: [{ by: 'reconciler', up: false, since: TIME }] } });
  expect(a).toMatchObject({ dns: { in: false, since: TIME } });
  const { reason } = a!.dns as { reason: string };
  expect(reason).toMatch(/^\\u\{1b\}\[2J\\u\{a\}x+…$/);
  expect(reason.length).toBeLessThanOrEqual(300);
  expect(b).not.toHaveProperty('dns');
});

describe('backends that do not answer', () => {
  const [reportOfB, reportOfHome] = [machineOf('b', 'P'), machineOf('home', 'Q')];
  const seen = {
    check: 'http' as const,
    hostname: 'app.hoge.com',
    up: false,
    since: TIME,
    reason: 'timeout: no answer',
  };
  const down = { address: '10.100.1.1', port: 8080, ...seen, withdrawn: true as const };
  const fine = { address: '10.100.1.1', port: 8080, check: 'tcp' as const, up: true, since: TIME };
  const listing = {
    routes: [
      { ...route('app.hoge.com'), port: 8080 },
      {
        ...route('b.hoge.com'),
        backends: [
          { origin: 'office', port: 1 },
          { origin: 'home', port: 8080 },
        ],
      },
      { ...route('c.hoge.com'), paths: [{ prefix: '/x', origin: 'home', port: 8080 }] },
      { ...route('d.hoge.com', 'fuga'), port: 9 },
    ],
    origins: [{ name: 'home', state: 'active', address: '10.100.1.1', generation: 1 }],
    edges: [edge('a'), edge('b')],
    serviceAt: (address: string, port: number) => (address === '10.100.1.1' ? { origin: 'home', port } : undefined),
  };

  async function reported() {
    at.served.update({ listing });
    await at.publish([edgeConfig('a', []), edgeConfig('b', [])]);
    await at.post('a', `${NODE_PATH}/status`, report({ backends: [down, fine] }));
    await at.post(
      'b',
      `${NODE_PATH}/status`,
      reportOfB({ backends: [fine, { ...fine, address: '10.100.9.9', up: false }] }),
    );
  }

  it('are named beside their origin and the routes that lead to them, with who says so', async () => {
    at = await install();
    await reported();
    const shown = {
      ...{ origin: 'home', port: 8080, state: 'down', up: 2, asked: 3 },
      views: [{ edge: 'a', ...{ ...seen, up: undefined }, withdrawn: true }],
    };
    expect((await json('/api/v1/origins')).origins![0]!.backends).toEqual([JSON.parse(JSON.stringify(shown))]);
    const { routes } = await json('/api/v1/routes');
    expect(routes!.map(({ hostname, backendTrouble }) => [hostname, backendTrouble !== undefined])).toEqual([
      ['app.hoge.com', true],
      ['b.hoge.com', true],
      ['c.hoge.com', true],
      ['d.hoge.com', false],
    ]);
  });

  it('are shown to the team of the route without the names of edges', async () => {
    at = await startProposing();
    await reported();
    const token = { headers: { authorization: `Bearer ${TEAM_TOKENS.hoge}` } };
    const [first] = (await json('/api/v1/routes', token)).routes!;
    expect(JSON.stringify(first!.backendTrouble)).toContain('timeout: no answer');
    expect(JSON.stringify(first!.backendTrouble)).not.toContain('"edge"');
  });

  it('are counted for each origin, and an edge that fell silent says nothing any more', async () => {
    at = await install();
    await reported();
    await at.post('b', `${NODE_PATH}/status`, reportOfB());
    await at.post('home', `${NODE_PATH}/status`, reportOfHome());
    const numbers = async () => (await (await at.ask('/metrics')).text()).match(/^kokoa_origin_backends.*$/gm);
    expect(await numbers()).toEqual([
      'kokoa_origin_backends{node="home"} 1',
      'kokoa_origin_backends_down{node="home"} 1',
    ]);
    at.clock.offsetMs = 91_000;
    expect(await numbers()).toBeNull();
  });
});

it('lists at most so many unsettled names, sorted, and counts the rest', async () => {
  const names = Array.from({ length: UNSETTLED_MAX + 5 }, (_, n) => `h${String(9999 - n)}.hoge.com`);
  const zone = { zone: 'hoge.com', wanted: 2000, unsettled: names.map(unsettled), lookedMs: SINCE_MS };
  at = await install({ visitors: { edges: () => [], zones: () => [zone] } });
  const zones = [{ zone: 'hoge.com', provider: 'route53' }];
  at.served.update({ listing: { routes: [], origins: [], edges: [], zones } });
  const [shown] = (await json('/api/v1/dns')).zones!;
  expect(shown).toMatchObject({ provider: 'route53', wanted: 2000, lookedAt: TIME, leftOff: 5 });
  const listed = (shown!.unsettled as { name: string }[]).map(({ name }) => name);
  expect(listed).toEqual([...names].sort().slice(0, UNSETTLED_MAX));
});

it('says of each of 10 000 hostnames how it is served, in bounded time and size', async () => {
  at = await install();
  const routes = Array.from({ length: 10_000 }, (_, n) => route(`h${n}.hoge.com`));
  at.served.update({ listing: { routes, origins: [], edges: [edge('a'), edge('b')] } });
  await at.publish([edgeConfig('a', [])]);
  const quarantined = [{ hostname: 'h1.hoge.com', reason: 'no certificate yet' }];
  await at.post('a', `${NODE_PATH}/status`, report({ applied: 'b'.repeat(64), quarantined }));
  const startMs = performance.now();
  const text = await (await at.ask('/api/v1/routes')).text();
  expect(performance.now() - startMs).toBeLessThan(2_000);
  expect(text.length).toBeLessThan(4_000_000);
  const [first, second] = JSON.parse(text).routes;
  expect(first.served).toEqual({ by: 1, of: 2 });
  expect(second).toMatchObject({
    served: { by: 0, of: 2 },
    quarantined: [{ edge: 'a', reason: 'no certificate yet' }],
  });
});

it('shows a team what is its own, and nothing of nodes or others', async () => {
  at = await startProposing();
  const zone = { zone: 'hoge.com', wanted: 2, unsettled: [unsettled('app.hoge.com'), unsettled('b.fuga.com')] };
  at.deps.visitors = { edges: () => [DOWN], zones: () => [zone, { ...zone, zone: 'fuga.com' }] };
  const routes = [route('app.hoge.com'), route('b.fuga.com', 'fuga')];
  at.served.update({ listing: { routes, origins: [], edges: [edge('a')] } });
  await at.publish([edgeConfig('a', [])]);
  const certificates = ['app.hoge.com', 'b.fuga.com'].map((hostname) => ({ hostname, notAfter: TIME, exposed: 'a' }));
  const answers = certificates.map(({ hostname }) => ({ hostname, status: 200, since: TIME }));
  await at.post('a', `${NODE_PATH}/status`, report({ applied: 'b'.repeat(64), certificates, answers }));
  const headers = { authorization: `Bearer ${TEAM_TOKENS.hoge}` };
  const seen = {
    ...(await json('/api/v1/routes', { headers })),
    ...(await json('/api/v1/certificates', { headers })),
    ...(await json('/api/v1/dns', { headers })),
  };
  expect(seen.routes).toHaveLength(1);
  expect(seen.certificates).toMatchObject([{ name: 'app.hoge.com', notAfter: TIME }]);
  expect(seen.zones).toMatchObject([{ zone: 'hoge.com', unsettled: [{ name: 'app.hoge.com' }] }]);
  expect(JSON.stringify(seen)).not.toMatch(/fuga|"edge"|"wanted"/);
  for (const path of ['edges', 'origins', 'rollout']) {
    const response = await at.ask(`/api/v1/${path}`, { headers });
    expect([response.status, await response.json()]).toMatchObject([403, { error: 'not_for_teams' }]);
  }
});
