// `kokoa status`, from what a reconciler answers.
import { expect, it } from 'vitest';
import { install } from '../http/http.fixture.ts';
import { runCommand } from './run-command.fixture.ts';
import { registerStatus } from './status.ts';
import { fleetPage, type Seen, thingPage } from './status-text.ts';

const NOW_MS = Date.parse('2030-01-01T00:01:00Z');
const SEEN = '2030-01-01T00:00:30Z';
const WELL: Seen = {
  nowMs: NOW_MS,
  ...{ ready: { status: 'ready' }, routes: [], zones: [], certificates: [], rollout: null, origins: [] },
  edges: [{ name: 'a', state: 'active', reported: 'applied', lastSeen: SEEN, health: { state: 'up', votes: [] } }],
};
const HOSTILE = `\u001b[2J ${'word '.repeat(50)}`;
const VOTES = [{ by: 'b', up: false, since: '2030-01-01T00:00:00Z', reason: HOSTILE }];
const EDGE = {
  name: 'a',
  state: 'active',
  reported: 'applied',
  lastSeen: SEEN,
  health: { state: 'down', votes: VOTES },
};

it('says in one line that all is well', () => {
  expect(fleetPage(WELL)).toEqual({ text: 'all is well\n', isWell: true });
});

it('shows the worst first, in at most 25 lines of 80 columns, and nothing acts on a terminal', () => {
  const unsettled = Array.from({ length: 100 }, (_, n) => ({
    name: `h${n}`,
    kind: 'open',
    reason: HOSTILE,
    since: 'x',
  }));
  const zones = [{ zone: 'hoge.com', unsettled }];
  const { text, isWell } = fleetPage({ ...WELL, ready: { status: 'ready', held: true }, edges: [EDGE], zones });
  const lines = text.trimEnd().split('\n');
  expect(isWell).toBe(false);
  expect(lines.length).toBeLessThanOrEqual(25);
  expect(lines.filter((line) => line.length > 80 || line.includes('\u001b'))).toEqual([]);
  expect(lines[0]).toContain('held back');
  expect(lines[1]).toMatch(/^edge a is down: b \(\\u\{1b\}/);
  expect(lines.at(-1)).toMatch(/^and \d+ more: /);
});

it.each([
  ['an edge', { edges: [{ name: 'a', state: 'active', reported: 'applied', lastSeen: '2029-12-31T23:59:00Z' }] }],
  ['an origin', { origins: [{ name: 'a', state: 'active', reported: 'applied', lastSeen: '2029-12-31T23:59:00Z' }] }],
  ['an origin that was never heard', { origins: [{ name: 'a', state: 'active' }] }],
])('%s that was not heard lately is trouble, whatever it said last', (_, change) => {
  const { text, isWell } = fleetPage({ ...WELL, ...change });
  expect(isWell).toBe(false);
  expect(text).toMatch(/^(edge|origin) a is silent since (2029-12-31T23:59:00Z|ever)\n$/);
});

it('says which services of an origin do not answer, to whom, and whether somebody else does', () => {
  const view = { check: 'tcp', since: SEEN, reason: 'timeout: no answer' };
  const backends = [
    { origin: 'home', port: 8080, views: [{ edge: 'a', ...view, withdrawn: true }] },
    {
      origin: 'home',
      host: '192.168.1.20',
      port: 80,
      views: [
        { edge: 'a', ...view },
        { edge: 'b', ...view },
      ],
    },
  ];
  const origins = [{ name: 'home', state: 'active', reported: 'applied', lastSeen: SEEN, backends }];
  const route = { hostname: 'app.hoge.com', origin: 'home', port: 8080, served: { by: 1, of: 1 } };
  const routes = [{ ...route, backendTrouble: backends.slice(0, 1) }];
  const one = `backend home:8080 is down for a since ${SEEN}: timeout: no answer; visitors are sent to others`;
  const said = (seen: Seen) => fleetPage(seen).text.replace(/\n +/g, ' ').trimEnd().split('\n');
  expect(said({ ...WELL, origins, routes })).toEqual([
    one,
    `backend home 192.168.1.20:80 is down for a, b since ${SEEN}: timeout: no answer`,
  ]);
  // A team may not read origins.
  expect(said({ ...WELL, origins: undefined, routes })).toEqual([`app.hoge.com: ${one}`]);
  expect(thingPage({ ...WELL, origins, routes }, 'app.hoge.com')!.text.replace(/\n +/g, ' ')).toContain(
    `trouble      ${one}`,
  );
});

it.each([
  ['in no zone that is written', [], 'people set it'],
  [
    'in a zone in trouble',
    [{ zone: 'hoge.com', trouble: { code: 'dns_refused' } }],
    'hoge.com cannot be written: dns_refused',
  ],
  ['in a zone that nobody compared', [{ zone: 'hoge.com' }], 'not compared yet'],
  ['as it should be', [{ zone: 'hoge.com', lookedAt: SEEN }], 'as it should be'],
])('a hostname %s is shown so', (_, zones, words) => {
  const routes = [{ hostname: 'app.hoge.com', served: { by: 1, of: 1 } }];
  expect(thingPage({ ...WELL, routes, zones }, 'app.hoge.com')!.text).toContain(words);
});

it('shows all about one thing, and what to do next', () => {
  const page = thingPage({ ...WELL, edges: [EDGE] }, 'a')!;
  expect(page.isWell).toBe(false);
  expect(page.text).toMatch(/^view {9}b: down since 2030-01-01T00:00:00Z: /m);
  expect(page.text).toContain('\nnext         kokoa-agent doctor on a\n');
  expect(thingPage(WELL, 'nobody')).toBeUndefined();
});

it('ends with 1 against a reconciler that is not ready, and with 0 when all is well', async () => {
  const at = await install();
  const run = () => runCommand(registerStatus, ['status', '--url', at.server.url]);
  expect(await run()).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('not ready') });
  at.served.update({ ready: true });
  expect(await run()).toMatchObject({ exitCode: 0, stdout: 'all is well\n' });
  await at.close();
});
