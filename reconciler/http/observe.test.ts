// What can be seen from outside, and by whom.
import { afterEach, expect, it } from 'vitest';
import { keyFingerprint } from '../../bundle/fingerprint.ts';
import {
  edgeConfig,
  enrolment,
  type Installation,
  install,
  machineOf,
  NODE_PATH,
  originConfig,
  report,
} from './http.fixture.ts';
import { FAILING_MAX_MS } from './observe.ts';

let at: Installation;
afterEach(() => at.close());

const listing = {
  routes: [
    {
      hostname: 'app.hoge.com',
      team: 'hoge',
      pool: 'default',
      origin: 'home',
      port: 8080,
      file: 'routes/hoge/app.yaml',
    },
  ],
  origins: [{ name: 'home', state: 'active', address: '10.100.1.1', generation: 1 }],
  edges: [{ name: 'a', state: 'active', address: '10.100.0.1', generation: 1, pool: 'default' }],
};
const ready = async () => {
  const response = await at.ask('/readyz');
  return [response.status, await response.json()];
};

it('is alive always, ready once something is published, and not when runs have failed for long', async () => {
  at = await install();
  expect(await (await at.ask('/healthz')).json()).toEqual({ status: 'ok' });
  expect(await ready()).toEqual([503, { status: 'not ready', why: 'nothing published yet' }]);
  at.served.update({ ready: true });
  expect(await ready()).toEqual([200, { status: 'ready' }]);
  at.served.update({ health: { failure: { sinceMs: Date.now() - 1000, code: 'source_unreachable' } } });
  expect((await ready())[0]).toBe(200);
  at.clock.offsetMs = FAILING_MAX_MS;
  expect(await ready()).toMatchObject([503, { why: expect.stringContaining('source_unreachable') }]);
  at.served.update({ health: { held: 'routes/secret-team/x.yaml is bad' } });
  expect(await ready()).toEqual([200, { status: 'ready', held: true }]);
});

it('lists routes, origins and edges with what nodes announced and reported', async () => {
  at = await install();
  at.served.update({ listing });
  const [node] = await at.publish([edgeConfig('a', []), originConfig('home')]);
  const error = { stage: 'render', code: 'nginx_failed', detail: 'line 3' };
  const time = '2030-01-01T00:00:00.000Z';
  const hosts = {
    quarantined: [{ hostname: 'b.hoge.com', reason: 'about to be ordered' }],
    certificates: [{ hostname: 'app.hoge.com', notAfter: time }],
    answers: [{ hostname: 'app.hoge.com', status: 200, since: time }],
  };
  const restored = { at: time, what: ['packet filter'] };
  const why = { stateSince: time, reason: 'b.hoge.com: nginx refuses it' };
  const said = {
    state: 'degraded',
    rootVersion: 1,
    applied: 'b'.repeat(64),
    error,
    ...why,
    ...hosts,
    restored,
  } as const;
  await at.post('a', `${NODE_PATH}/status`, report(said));
  expect(await (await at.ask('/api/v1/routes')).json()).toEqual({
    routes: [
      {
        ...listing.routes[0],
        served: { by: 1, of: 1 },
        answers: [{ edge: 'a', status: 200, since: time }],
        certificate: { notAfter: time },
      },
    ],
  });
  const { edges, ...rest } = (await (await at.ask('/api/v1/edges')).json()) as { edges: object[] };
  expect(rest).toEqual({ rootVersion: 2 });
  expect(edges).toEqual([
    {
      ...listing.edges[0],
      fingerprint: keyFingerprint(enrolment()),
      boundGeneration: 1,
      lastSeen: expect.stringMatching(/^\d{4}-.*Z$/),
      reported: 'degraded',
      reportedSince: why.stateSince,
      reason: why.reason,
      agentVersion: '0.1.0',
      rootVersion: 1,
      published: node!.configHash,
      applied: 'b'.repeat(64),
      error,
      ...hosts,
      restored,
    },
  ]);
  const { origins } = (await (await at.ask('/api/v1/origins')).json()) as { origins: object[] };
  expect(origins).toEqual([{ ...listing.origins[0], published: expect.any(String) }]);
});

const guarded = ['/api/v1/routes', '/api/v1/origins', '/api/v1/edges', '/metrics'];

it.each(guarded)('shows %s to this machine and to nodes, not to whoever comes through a proxy', async (path) => {
  at = await install();
  expect((await at.ask(path)).status).toBe(200);
  const through: Record<string, string>[] = [
    { 'x-forwarded-for': '203.0.113.9' },
    { via: '1.1 proxy' },
    { forwarded: 'for=203.0.113.9' },
  ];
  for (const headers of through) {
    expect((await at.ask(path, { headers })).status).toBe(401);
    expect((await at.ask(path, { headers, as: 'home' })).status).toBe(200);
  }
  at.setAccess('home', { state: 'suspended' });
  expect((await at.ask(path, { headers: { via: 'x' }, as: 'home' })).status).toBe(403);
});

it.each(guarded)('asks for a token at %s when a proxy is in front', async (path) => {
  at = await install({ behindProxy: true });
  expect((await at.ask(path)).status).toBe(401);
  expect((await at.ask(path, { as: 'a' })).status).toBe(200);
});

it('measures runs, publications, nodes and waiting clients', async () => {
  at = await install();
  const { metrics } = at.deps;
  metrics.reconciled('published', 0.02);
  metrics.step('fetch', 0.01);
  metrics.published(7);
  metrics.held(true);
  metrics.hosts(3);
  await at.publish([edgeConfig('a', [])]);
  await at.post('a', `${NODE_PATH}/status`, report({ rootVersion: 1 }));
  const etag = (await at.ask(`${NODE_PATH}/config`, { as: 'a' })).headers.get('etag')!;
  const waiting = at.ask(`${NODE_PATH}/config?wait=20`, { as: 'a', headers: { 'if-none-match': etag } });
  await expect.poll(() => at.served.waiting).toBe(1);
  at.clock.offsetMs = 5000;
  const response = await at.ask('/metrics');
  expect(response.headers.get('content-type')).toContain('text/plain');
  const text = await response.text();
  for (const line of [
    'kokoa_reconciles_total{outcome="published"} 1',
    'kokoa_reconcile_duration_seconds_count 1',
    'kokoa_reconcile_step_seconds_count{step="fetch"} 1',
    'kokoa_published_sequence 7',
    'kokoa_held 1',
    'kokoa_hosts 3',
    'kokoa_nodes{state="applied"} 1',
    'kokoa_long_polls_open 1',
    'kokoa_root_version 2',
    'kokoa_node_root_version{node="a"} 1',
    `kokoa_http_requests_total{route="${NODE_PATH}/config",code="200"} 1`,
  ])
    expect(text).toContain(line);
  expect(text).toMatch(/kokoa_node_last_seen_age_seconds\{node="a"\} [45]/);
  at.served.close();
  await waiting;
});

it('measures nothing of a node that is gone from git, and again what is back', async () => {
  at = await install();
  await at.publish([edgeConfig('a', []), edgeConfig('b', [])]);
  const theirs = machineOf('b', 'P');
  const stateSince = '2026-01-01T00:00:00Z';
  await at.post('a', `${NODE_PATH}/status`, report({ stateSince }));
  await at.post('b', `${NODE_PATH}/status`, theirs({ stateSince }));
  const named = async () => {
    const lines = (await (await at.ask('/metrics')).text()).split('\n');
    return ['a', 'b'].map((node) => lines.filter((line) => line.includes(`node="${node}"`)).length);
  };
  const [each] = await named();
  expect([each, await named()]).toEqual([expect.any(Number), [each, each]]);
  expect(each).toBeGreaterThan(3);
  const all = at.served.access;
  at.served.update({ access: new Map([...all].filter(([, { node }]) => node !== 'b')), removed: ['b'] });
  expect(await named()).toEqual([each, 0]);
  expect(await (await at.ask('/metrics')).text()).toContain('kokoa_nodes{state="applied"} 1\n');
  at.served.update({ access: all });
  expect((await named())[1]).toBeGreaterThan(2);
});

it.each([
  ['active', 0],
  ['draining', 0],
  ['suspended', 1],
  ['revoked', 1],
  ['compromised', 1],
] as const)(
  'says in numbers whether a node that is %s is kept out, so that nobody waits for its word',
  async (state, kept) => {
    at = await install();
    await at.publish([edgeConfig('a', [])]);
    await at.post('a', `${NODE_PATH}/status`, report({}));
    at.served.update({ access: new Map([...at.served.access].map(([token, one]) => [token, { ...one, state }])) });
    expect(await (await at.ask('/metrics')).text()).toContain(`kokoa_node_kept_out{node="a"} ${kept}\n`);
  },
);

it('says in numbers how each node stands: since when, how far behind, what is left out, which certificate ends first', async () => {
  at = await install();
  const [a] = await at.publish([edgeConfig('a', []), originConfig('home')]);
  const nowMs = Date.now();
  const ago = (seconds: number) => new Date(nowMs - seconds * 1000).toISOString();
  const certificates = [ago(-9_000), ago(-5_000), ago(-7_000)].map((notAfter, at) => ({
    hostname: `h${at}.test`,
    notAfter,
  }));
  await at.post(
    'a',
    `${NODE_PATH}/status`,
    report({
      ...{ state: 'refused', stateSince: ago(120), certificates },
      quarantined: [{ hostname: 'x.test', reason: 'torn' }],
    }),
  );
  const number = async (name: string) => {
    const line = (await (await at.ask('/metrics')).text()).split('\n').find((each) => each.startsWith(name));
    return line === undefined ? undefined : Number(line.split(' ').at(-1));
  };
  expect(await number('kokoa_node_state_age_seconds{node="a",state="refused"}')).toBeGreaterThanOrEqual(120);
  expect(await number('kokoa_node_hosts_quarantined{node="a"}')).toBe(1);
  expect(await number('kokoa_node_certificates_end_timestamp_seconds{node="a"}')).toBeCloseTo(nowMs / 1000 + 5_000, 0);
  at.clock.offsetMs = 3_600_000;
  expect(await number('kokoa_node_behind_seconds{node="a"}')).toBeGreaterThanOrEqual(3_000);
  await at.post('a', `${NODE_PATH}/status`, report({ state: 'applied', applied: a!.configHash }));
  expect(await number('kokoa_node_behind_seconds{node="a"}')).toBe(0);
  expect(await number('kokoa_node_state_age_seconds')).toBeUndefined();
  expect(await number('kokoa_node_certificates_end_timestamp_seconds')).toBeUndefined();
});
