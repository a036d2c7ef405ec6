// Two edges with a real nginx each that watch one another. One is killed, comes back, and is replaced by somebody else at its address.
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { EdgeCheck } from '../bundle/config.ts';
import { EDGE_MARK_PATH, edgeMark } from '../bundle/edge-mark.ts';
import { edgeConfig, openTestbed, type Testbed } from './adapters/nginx-testbed.ts';
import { createPeerChecks } from './peer-checks.ts';

const PACE = { intervalMs: 300, timeoutMs: 5_000, healthy: 2, unhealthy: 3 };
/** A busy machine starts nothing at once. */
const SLACK_MS = 3_000;

let beds: Record<'one' | 'two', Testbed>;

beforeAll(async () => {
  const [one, two] = await Promise.all([openTestbed({ node: 'one' }), openTestbed({ node: 'two' })]);
  beds = { one, two };
  for (const bed of [one, two]) {
    await bed.certify('app.hoge.test');
    await bed.write('r1', [bed.route('app.hoge.test')]);
    await bed.swap('r1');
    await bed.web.reload();
  }
});
afterAll(async () => {
  await Promise.all(Object.values(beds ?? {}).map((bed) => bed.close()));
});

function watching(node: string, checks: EdgeCheck[], ports: { http: number; https: number }) {
  const lines: string[] = [];
  const write = (_fields: object, message: string) => void lines.push(message);
  const peers = createPeerChecks({ node, log: { info: write, warn: write }, now: Date.now, ports });
  const stop = new AbortController();
  const base = edgeConfig();
  peers.configure({ ...base, node, edge: { ...base.edge, checks } });
  const ended = peers.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await ended;
  });
  return { peers, lines, up: () => Object.fromEntries(peers.views().map(({ node: of, up }) => [of, up])) };
}

const check = (node: string, change: Partial<EdgeCheck> = {}): EdgeCheck => ({
  ...{ node, addresses: ['127.0.0.1'], hostname: 'app.hoge.test' },
  ...PACE,
  ...change,
});
const portsOf = ({ httpPort, httpsPort }: Testbed) => ({ http: httpPort, https: httpsPort });
/** By plain HTTP, which asks for no name. */
const unnamed = (node: string): EdgeCheck => {
  const { hostname: _, ...rest } = check(node);
  return rest;
};

describe.each<[string, (node: string) => EdgeCheck]>([
  ['a name that it serves', (node) => check(node)],
  ['no name', unnamed],
])('an edge that is asked by %s', (_title, checkOf) => {
  test('is up, is down soon after it was killed while the other one stays up, and comes back', async () => {
    const { one, two } = beds;
    const from = {
      one: watching('one', [checkOf('two')], portsOf(two)),
      two: watching('two', [checkOf('one')], portsOf(one)),
    };
    await vi.waitFor(() => expect([from.one.up(), from.two.up()]).toEqual([{ two: true }, { one: true }]));

    const revision = from.one.peers.revision();
    await two.web.stop();
    const killedMs = Date.now();
    await vi.waitFor(() => expect(from.one.up()).toEqual({ two: false }));
    const [view] = from.one.peers.views();
    expect(view!.reason).toBe('connection_refused: nothing listens there');
    expect(Date.parse(view!.since) - killedMs).toBeLessThan(3 * PACE.intervalMs + SLACK_MS);
    expect(from.one.peers.revision()).toBeGreaterThan(revision);
    expect(from.two.up()).toEqual({ one: true });

    await two.web.reload();
    await vi.waitFor(() => expect(from.one.up()).toEqual({ two: true }));
    expect(from.one.peers.views()[0]).not.toHaveProperty('reason');
    expect(from.one.lines).toEqual(['another edge does not answer', 'another edge answers again']);
  });
});

test('whoever answers at the address of an edge without its mark is down', async () => {
  const { two } = beds;
  const { peers, up } = watching('one', [check('tokyo-9')], portsOf(two));
  await vi.waitFor(() => expect(up()).toEqual({ 'tokyo-9': false }));
  expect(peers.views()[0]!.reason).toMatch(/^wrong_body: /);

  const impostor = createServer((_request, response) => response.end('<h1>It works!</h1>'));
  await new Promise<void>((resolve) => impostor.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void impostor.close());
  const { port } = impostor.address() as { port: number };
  const other = watching('one', [unnamed('two')], { http: port, https: port });
  await vi.waitFor(() => expect(other.up()).toEqual({ two: false }));
});

test('an edge is asked for its mark alone, and no backend is', async () => {
  const { two } = beds;
  const answer = await two.https({ host: 'app.hoge.test', path: EDGE_MARK_PATH });
  expect(answer).toMatchObject({ status: 200, body: edgeMark('two') });
  expect(answer.headers['content-type']).toBe('text/plain');
});

test('a machine that reaches nobody forgets what it saw; one that reaches somebody does not', async () => {
  const { two } = beds;
  const lone = watching('one', [unnamed('two')], { http: 1, https: 1 });
  await vi.waitFor(() => expect(lone.up()).toEqual({ two: false }));
  lone.peers.unheard();
  expect(lone.peers.views()).toEqual([]);
  await vi.waitFor(() => expect(lone.up()).toEqual({ two: false }));
  // Said once, however often it is found again.
  lone.peers.unheard();
  expect(lone.lines).toHaveLength(2);

  const most = watching('one', [unnamed('two'), unnamed('three')], portsOf(two));
  await vi.waitFor(() => expect(most.up()).toEqual({ two: true, three: false }));
  most.peers.unheard();
  expect(most.up()).toEqual({ two: true, three: false });
});

test('a configuration that says the same changes nothing, and one without checks ends them', async () => {
  const { two } = beds;
  const { peers, up } = watching('one', [unnamed('two')], portsOf(two));
  await vi.waitFor(() => expect(up()).toEqual({ two: true }));
  const revision = peers.revision();
  const base = edgeConfig();
  peers.configure({ ...base, edge: { ...base.edge, checks: [unnamed('two')] } });
  expect(peers.revision()).toBe(revision);
  peers.configure(base);
  expect(peers.views()).toEqual([]);
  expect(peers.revision()).not.toBe(revision);
});
