import { beforeEach, expect, test, vi } from 'vitest';
import { createMemoryStore } from '../test/fakes/memory-store.ts';
import { createLog } from './adapters/log.ts';
import { createMetrics } from './adapters/metrics.ts';
import { TAKEN_OUT } from './core/health/pool-members.ts';
import type { NotifyEvent } from './core/notify/event.ts';
import { createOperators } from './operators.ts';
import type { SecretPlaces } from './ports/secrets.ts';
import type { NodeReport } from './ports/store.ts';
import type { Outcome } from './reconcile.ts';
import { createOperatorsTold, type OperatorsTold } from './tell-operators.ts';

const NOW = Date.parse('2026-11-22T12:00:00.000Z');
let told: NotifyEvent[];
let operators: OperatorsTold;
beforeEach(() => {
  told = [];
  operators = createOperatorsTold({ tell: (event) => told.push(event) }, () => NOW);
});

const lines = () =>
  told.splice(0).map(({ kind, subject, state, reason }) => [kind, subject, state, reason].join(' ').trim());

test.each([
  [{ kind: 'withdrawn', edge: 'e1', reason: 'timeout' }, ['edge-withdrawn e1 trouble timeout', 'edge-kept e1 well']],
  [{ kind: 'returned', edge: 'e1' }, ['edge-withdrawn e1 well', 'edge-kept e1 well']],
  [{ kind: 'kept', edge: 'e1', reason: 'timeout' }, ['edge-withdrawn e1 well', 'edge-kept e1 trouble timeout']],
  [{ kind: 'kept_no_more', edge: 'e1' }, ['edge-withdrawn e1 well', 'edge-kept e1 well']],
  [{ kind: 'left', edge: 'e1', reason: 'draining' }, ['edge-withdrawn e1 well', 'edge-kept e1 well']],
] as const)('%j', (transition, expected) => {
  operators.edge(transition);
  expect(lines()).toEqual(expected);
});

test('how edges stand is told at a start, with since when', () => {
  const verdict = { state: 'unknown', votes: [] } as const;
  operators.edges([
    {
      edge: 'e1',
      pool: 'default',
      verdict,
      member: { edge: 'e1', inDns: false, sinceMs: NOW - 1000, falls: 1, reason: 'timeout' },
    },
    { edge: 'e2', pool: 'default', verdict, member: { edge: 'e2', inDns: true, sinceMs: NOW, falls: 0 } },
    { edge: 'e3', pool: 'people', verdict },
    {
      edge: 'e4',
      pool: 'default',
      verdict,
      member: { edge: 'e4', inDns: false, sinceMs: NOW, falls: 0, reason: TAKEN_OUT },
    },
  ]);
  expect(told[0]!.at).toBe('2026-11-22T11:59:59.000Z');
  expect(lines()).toEqual([
    'edge-withdrawn e1 trouble timeout',
    'edge-kept e1 well',
    'edge-withdrawn e2 well',
    'edge-kept e2 well',
    'edge-withdrawn e4 well',
    'edge-kept e4 well',
  ]);
});

test('a zone in trouble, and names in the way', () => {
  const foreign = (name: string) =>
    ({ name, kind: 'foreign', reason: 'A 203.0.113.9 stands there', sinceMs: NOW }) as const;
  operators.zone({
    zone: 'hoge.com',
    wanted: 3,
    unsettled: [foreign('a.hoge.com'), foreign('b.hoge.com')],
    trouble: { code: 'dns_refused', reason: 'no', sinceMs: NOW },
  });
  expect(lines()).toEqual([
    'dns-write hoge.com trouble dns_refused: no',
    'dns-foreign hoge.com trouble a.hoge.com: A 203.0.113.9 stands there and 1 more',
  ]);
  operators.zone({
    zone: 'hoge.com',
    wanted: 3,
    unsettled: [{ name: 'a.hoge.com', kind: 'open', reason: 'x', sinceMs: NOW }],
  });
  expect(lines()).toEqual(['dns-write hoge.com well', 'dns-foreign hoge.com well']);
});

test('of many certificates that end only so many are told, and none that still ends is told as renewed', () => {
  const many = (names: string[]) =>
    [
      {
        node: 'e1',
        lastSeenMs: 0,
        report: { certificates: names.map((hostname) => ({ hostname, notAfter: 'x', ending: 'late' })) },
      },
    ] as unknown as NodeReport[];
  const names = Array.from({ length: 101 }, (_, index) => `h${index}`);
  operators.reports(many(names));
  expect(lines()).toHaveLength(100);
  operators.reports(many([...names].reverse()));
  expect(lines().filter((line) => line.endsWith('well'))).toEqual([]);
});

test('holds and failures', () => {
  const hold = { message: 'edges/e1.yaml: nonsense', hint: 'mend it\nor that' };
  operators.ran({ standing: { hold }, unfetched: undefined } as unknown as Outcome);
  operators.ran({
    standing: { hold: undefined },
    unfetched: Object.assign(new Error('git is away'), { code: 'fetch_failed' }),
  } as unknown as Outcome);
  operators.failed(undefined);
  expect(lines()).toEqual([
    'publish-held publishing trouble edges/e1.yaml: nonsense (mend it)',
    'reconcile-failing publishing well',
    'publish-held publishing well',
    'reconcile-failing publishing trouble fetch_failed: git is away',
    'reconcile-failing publishing trouble unexpected: undefined',
  ]);
});

const refused = (node: string, error?: object) => ({ node, atMs: NOW - 1000, ...(error && { error }) });

test.each<[string, object, string[]]>([
  ['nothing is on its way', { compiled: {} }, ['rollout-stopped settings well']],
  ['settings are on their way', { compiled: {}, rolling: { state: {} } }, ['rollout-stopped settings well']],
  [
    'an edge refused them',
    {
      compiled: {},
      rolling: { state: { stopped: refused('e1', { stage: 'probe', code: 'probe_failed', detail: 'no' }) } },
    },
    ['rollout-stopped settings trouble e1 refuses them: probe_failed (probe): no'],
  ],
  [
    'an edge refused them without a word',
    { compiled: {}, rolling: { state: { stopped: refused('e1') } } },
    ['rollout-stopped settings trouble e1 refuses them'],
  ],
  // After a restart, until a run could compile what was published.
  ['nobody knows', { rolling: undefined }, []],
])('settings in waves: %s', (_, standing, expected) => {
  operators.ran({ standing, unfetched: undefined } as unknown as Outcome);
  for (const { kind, state, at } of told)
    if (kind === 'rollout-stopped' && state === 'trouble') expect(at).toBe('2026-11-22T11:59:59.000Z');
  expect(lines().filter((line) => line.startsWith('rollout'))).toEqual(expected);
});

test('exposed certificates, and when none is left', () => {
  const report = (node: string, certificates?: object[]) =>
    ({ node, report: { certificates } }) as unknown as NodeReport;
  const exposed = { hostname: 'app.hoge.com', exposed: 'e9 had its key; about to be renewed' };
  operators.exposed([]);
  operators.exposed([report('o1')]);
  expect(lines()).toEqual([]);
  operators.exposed([report('e1', [exposed]), report('o1')]);
  operators.exposed([report('e1')]);
  expect(lines()).toEqual(
    Array(2).fill(
      'certificate-exposed certificates trouble app.hoge.com, as e1 says: e9 had its key; about to be renewed',
    ),
  );
  operators.exposed([report('e1', [{ hostname: 'app.hoge.com' }])]);
  expect(lines()).toEqual(['certificate-exposed certificates well']);
});

test('certificates that end soon, and no longer do; and an edge that is silent', () => {
  const report = (hostname: string, ending?: string) =>
    ({
      node: 'e1',
      lastSeenMs: NOW,
      report: { certificates: [{ hostname, notAfter: '2026-12-01T00:00:00.000Z', ...(ending && { ending }) }] },
    }) as unknown as NodeReport;
  operators.reports([report('app.hoge.com', 'rate_limited')]);
  expect(lines().slice(1)).toEqual([
    'certificate-ending app.hoge.com trouble ends 2026-12-01T00:00:00.000Z, as e1 says: rate_limited',
  ]);
  operators.reports([report('app.hoge.com')]);
  operators.reports([report('app.hoge.com')]);
  expect(lines()).toEqual(['certificate-ending app.hoge.com well']);
  // Whoever has forgotten what was told before tells all that is well, once.
  const again = createOperatorsTold({ tell: (event) => told.push(event) }, () => NOW);
  for (let times = 0; times < 2; times += 1) again.reports([report('app.hoge.com'), report('wiki.hoge.com')]);
  expect(lines()).toEqual([
    'node-silent e1 well',
    'certificate-ending app.hoge.com well',
    'certificate-ending wiki.hoge.com well',
  ]);
  operators.silent('e1');
  operators.heard('e1');
  expect(lines()).toEqual([
    'node-silent e1 trouble no report came for 90 s, while others were heard',
    'node-silent e1 well',
  ]);
});

test('services that answer nobody, one by one, and their origin where all do not', () => {
  const since = '2026-11-22T11:59:59.000Z';
  const service = (origin: string, port: number, down?: string) => ({
    ...{ service: { origin, port }, seen: [] },
    ...(down !== undefined && { down: { since, reason: down } }),
  });
  operators.backends([service('home', 80), service('office', 80)]);
  expect(lines()).toEqual(['home', 'home:80', 'office', 'office:80'].map((name) => `origin-down ${name} well`));
  operators.backends([service('home', 80, 'timeout: no answer'), service('home', 81), service('office', 80)]);
  expect(told.map(({ at }) => at)).toEqual([since]);
  expect(lines()).toEqual(['origin-down home:80 trouble timeout: no answer']);
  operators.backends([service('home', 80, 'timeout: no answer'), service('home', 81, 'x'), service('office', 80)]);
  expect(lines()).toEqual(['origin-down home trouble home:80: timeout: no answer, and 1 more of 2']);
  // Its routes are gone.
  operators.backends([service('office', 80)]);
  operators.backends([service('office', 80)]);
  expect(lines()).toEqual(['origin-down home well', 'origin-down home:80 well']);
});

test('a look at what nodes say that fails ends nothing, and is told', async () => {
  const lines: string[] = [];
  const stop = new AbortController();
  const running = createOperators({
    ...{ channels: () => [], places: {} as SecretPlaces, store: createMemoryStore(), metrics: createMetrics().notices },
    ...{ reports: () => [], reportsInService: () => [] },
    backendsInService() {
      throw new RangeError('Invalid time value');
    },
    log: createLog({ format: 'json', level: 'info', write: (line) => void lines.push(line) }),
  }).run(stop.signal);
  await vi.waitFor(() => expect(lines.join()).toContain('what nodes say cannot be told to operators'));
  stop.abort();
  await expect(running).resolves.toBeUndefined();
});
