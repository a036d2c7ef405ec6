// What nodes may say, and what becomes of it.
import { afterEach, expect, it } from 'vitest';
import { mintToken } from '../adapters/token-mint.ts';
import { MOVE_EVERY_MS } from './address-pace.ts';
import { openFleetReports } from './fleet-reports.ts';
import { enrolment, type Installation, install, keys, NODE_PATH, report } from './http.fixture.ts';
import { REFUSED_SHOWN_MS } from './refused-announcements.ts';

const STATUS = `${NODE_PATH}/status`;
let at: Installation;
afterEach(() => at.close());

it('binds the first announcement, keeps the report, and tells the loop once', async () => {
  at = await install();
  const answer = await at.post('a', STATUS, report({ applied: 'a'.repeat(64) }));
  expect([answer.status, await answer.json()]).toEqual([200, { bound: true }]);
  await at.post('a', STATUS, report({ applied: 'b'.repeat(64) }));
  expect(at.calls.enrolment).toBe(1);
  expect(await at.store.enrolments()).toMatchObject([{ node: 'a', generation: 1, enrolment: enrolment() }]);
  expect(await at.store.reports()).toMatchObject([{ node: 'a', report: { applied: 'b'.repeat(64) } }]);
});

it('tells the loop of what configs are compiled from, such as the ACME account', async () => {
  at = await install();
  await at.post('a', STATUS, report());
  await at.post('a', STATUS, report({ enrolment: enrolment({ acmeThumbprint: 'A'.repeat(43) }) }));
  expect(at.calls.enrolment).toBe(2);
  expect((await at.store.enrolments())[0]?.enrolment.acmeThumbprint).toBe('A'.repeat(43));
});

it('takes another account of the same machine, keeps its state, and of many the first in ten seconds', async () => {
  at = await install();
  const [A, B, C] = ['A', 'E', 'I'].map((letter) => letter.repeat(43)) as [string, string, string];
  const say = async (acmeThumbprint: string, state: 'applied' | 'degraded') => {
    const answer = await at.post('a', STATUS, report({ state, enrolment: enrolment({ acmeThumbprint }) }));
    expect(await answer.json()).toEqual({ bound: true });
    expect(at.reports.report('a')?.report.state).toBe(state);
    return (await at.store.enrolments())[0]!.enrolment.acmeThumbprint;
  };
  expect([await say(A, 'applied'), await say(B, 'degraded'), at.calls.enrolment]).toEqual([A, B, 2]);
  for (const one of [C, A, C]) expect(await say(one, 'applied')).toBe(B);
  expect(at.calls.enrolment).toBe(2);
  at.clock.offsetMs += MOVE_EVERY_MS;
  expect([await say(C, 'applied'), at.calls.enrolment]).toEqual([C, 3]);
});

it('takes in a node that moves all the time once in ten seconds, and whatever else it says at once', async () => {
  at = await install();
  const say = async (ipv4: string, more: Partial<ReturnType<typeof enrolment>> = {}) => {
    const answer = await at.post('a', STATUS, report({ enrolment: enrolment({ address: { ipv4 }, ...more }) }));
    expect(await answer.json()).toEqual({ bound: true });
    return (await at.store.enrolments())[0]!.enrolment;
  };
  await say('192.0.2.1');
  expect(await say('192.0.2.2')).toMatchObject({ address: { ipv4: '192.0.2.2' } });
  expect(at.calls.enrolment).toBe(2);
  for (let n = 3; n < 20; n += 1) await say(`192.0.2.${n}`);
  expect(at.calls.enrolment).toBe(2);
  expect(await say('192.0.2.20', { allow: ['80'] })).toMatchObject({ address: { ipv4: '192.0.2.2' }, allow: ['80'] });
  expect(at.calls.enrolment).toBe(3);
  at.clock.offsetMs += MOVE_EVERY_MS;
  expect(await say('192.0.2.21', { allow: ['80'] })).toMatchObject({ address: { ipv4: '192.0.2.21' } });
  expect(at.calls.enrolment).toBe(4);
  expect((await at.store.reports())[0]!.report.enrolment.address).toEqual({ ipv4: '192.0.2.21' });
});

/** What somebody posts who has the token of node a, and not its signing key. */
const own = keys();
const forged: [string, () => object, string][] = [
  [
    'another machine with keys of its own',
    () => report({ enrolment: enrolment(own) }, { signingKey: own.privateKey }),
    'another signing key is bound',
  ],
  ['a report without a signature', () => ({ ...report(), signature: undefined }), 'not signed'],
  ['a report without a number', () => ({ ...report(), sequence: undefined }), 'not signed'],
  ['a report signed by another key', () => report({}, { signingKey: own.privateKey }), 'the signature is not that of'],
  [
    'another address in a signed report',
    () => ({ ...report(), enrolment: enrolment({ address: { ipv4: '192.0.2.66' } }) }),
    'the signature is not that of',
  ],
  [
    'another ACME account in a signed report',
    () => ({ ...report(), enrolment: enrolment({ acmeThumbprint: 'E'.repeat(43) }) }),
    'the signature is not that of',
  ],
  [
    'another ACME account without a signature',
    () => ({ ...report({ enrolment: enrolment({ acmeThumbprint: 'E'.repeat(43) }) }), signature: undefined }),
    'not signed',
  ],
  ['another state in a signed report', () => ({ ...report(), state: 'refused' }), 'the signature is not that of'],
  ['a later number on a signed report', () => ({ ...report(), sequence: 2 ** 40 }), 'the signature is not that of'],
  ['what another node signed', () => report({}, { node: 'b' }), 'the signature is not that of'],
  ['what was signed before', () => report({ state: 'stale' }, { sequence: 1 }), 'older than what was heard'],
];

it.each(forged)('ignores %s, says so once, and shows it for an hour', async (_, forge, words) => {
  at = await install();
  const edges = [{ name: 'a', state: 'active', address: '10.100.0.1', generation: 1, pool: 'default' }];
  at.served.update({ listing: { routes: [], origins: [], edges } });
  const good = report({ enrolment: enrolment({ address: { ipv4: '192.0.2.1' } }) });
  await at.post('a', STATUS, good);
  for (const _time of [1, 2]) {
    const answer = await at.post('a', STATUS, forge());
    expect([answer.status, await answer.json()]).toMatchObject([
      200,
      { bound: false, reason: expect.stringContaining(words) },
    ]);
  }
  expect(await at.store.reports()).toMatchObject([{ report: { state: 'applied' } }]);
  expect(await at.store.enrolments()).toMatchObject([{ enrolment: good.enrolment, sequence: good.sequence }]);
  expect(at.calls.enrolment).toBe(1);
  expect(at.lines.filter((line) => line.includes('an announcement is refused'))).toHaveLength(1);
  await at.post('a', STATUS, report({ enrolment: good.enrolment }));
  const shown = async () => ((await (await at.ask('/api/v1/edges')).json()) as { edges: object[] }).edges[0];
  expect(await shown()).toMatchObject({
    refusedAnnouncement: expect.stringContaining(words),
    refusedAt: expect.any(String),
  });
  const metrics = async () => (await at.ask('/metrics')).text();
  expect(await metrics()).toContain('kokoa_refused_announcements_total 2\n');
  expect(await metrics()).toContain('kokoa_nodes_with_refused_announcement 1\n');
  at.clock.offsetMs = REFUSED_SHOWN_MS + 1000;
  expect(await shown()).not.toHaveProperty('refusedAnnouncement');
  expect(await metrics()).toContain('kokoa_nodes_with_refused_announcement 0\n');
});

it('takes a report once, also after a restart, and tells the node how far it has come', async () => {
  at = await install();
  const [first, second] = [report(), report({ state: 'degraded' })];
  await at.post('a', STATUS, first);
  await at.post('a', STATUS, second);
  const again = await openFleetReports(at.store, Date.now());
  expect([at.reports.newest('a'), again.newest('a'), again.newest('b')]).toEqual([second.sequence, second.sequence, 0]);
  for (const repeated of [second, first])
    expect(await (await at.post('a', STATUS, repeated)).json()).toMatchObject({
      bound: false,
      newest: second.sequence,
    });
  expect(await (await at.post('a', STATUS, report())).json()).toEqual({ bound: true });
});

it('lets a machine with other keys begin to count anew under a larger generation', async () => {
  at = await install();
  await at.post('a', STATUS, report({}, { sequence: 2 ** 50 }));
  at.setAccess('a', { generation: 2 });
  const other = report({ enrolment: enrolment(own) }, { signingKey: own.privateKey, sequence: 5 });
  expect((await at.post('a', STATUS, other)).status).toBe(401);
  const { token, sha256 } = await mintToken({ node: 'a', generation: 2 });
  at.served.update({ access: new Map([[sha256, { node: 'a', role: 'edge', generation: 2, state: 'active' }]]) });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const answer = await at.ask(STATUS, { method: 'POST', headers, body: JSON.stringify(other) });
  expect(await answer.json()).toEqual({ bound: true });
  expect(at.reports.newest('a')).toBe(5);
});

it('refuses a key that is not the one YAML pins', async () => {
  at = await install();
  at.served.update({ pins: new Map([['a', { wireguardPublicKey: `${'B'.repeat(43)}=` }]]) });
  expect(await (await at.post('a', STATUS, report())).json()).toMatchObject({ bound: false });
  expect(await at.store.enrolments()).toEqual([]);
});

it('writes a heartbeat to the store at most once a second, and a change at once', async () => {
  at = await install();
  const tunnels = (age: number) => ({ tunnels: [{ node: 'home', handshakeAgeSeconds: age }] });
  const stored = async () => (await at.store.reports())[0]?.report.tunnels?.[0]?.handshakeAgeSeconds;
  await at.post('a', STATUS, report(tunnels(1)));
  await at.post('a', STATUS, report(tunnels(2)));
  expect(await stored()).toBe(1);
  expect(at.reports.report('a')?.report.tunnels?.[0]?.handshakeAgeSeconds).toBe(2);
  at.clock.offsetMs = 1500;
  await at.post('a', STATUS, report(tunnels(3)));
  expect(await stored()).toBe(3);
  await at.post('a', STATUS, report({ ...tunnels(4), state: 'degraded' }));
  expect(await stored()).toBe(4);
});

it.each<[string, unknown, number, string]>([
  ['a field of the wrong type', { ...report(), state: 'fine' }, 422, '/state'],
  ['a key that is none', report({ enrolment: enrolment({ signingKey: 'short' }) }), 422, '/enrolment/signingKey'],
  ['an array', [], 422, 'the body'],
  ['null', null, 400, 'JSON'],
  ['a detail of 5 KB', report({ error: { stage: 's', code: 'c', detail: 'x'.repeat(5000) } }), 422, '/error/detail'],
  ['too many tunnels', report({ tunnels: Array(5001).fill({ node: 'a', handshakeAgeSeconds: 1 }) }), 422, '/tunnels'],
])('answers a report with %s by naming the place', async (_, body, status, place) => {
  at = await install();
  const answer = await at.post('a', STATUS, body);
  expect(answer.status).toBe(status);
  const { message } = (await answer.json()) as { message: string };
  expect(message).toContain(place);
  expect(message).not.toMatch(/\bat .*\.ts:/);
});

it('keeps nothing that has no meaning', async () => {
  at = await install();
  const evil = JSON.parse('{"__proto__":{"x":1},"future":{"deep":[[[[1]]]]}}');
  const answer = await at.post('a', STATUS, report({ ...evil, more: 'x'.repeat(1000) }));
  expect(await answer.json()).toEqual({ bound: true });
  expect(Object.keys((await at.store.reports())[0]!.report).sort()).toEqual([
    ...['agentVersion', 'enrolment', 'sequence', 'state'],
  ]);
});

it('keeps what visitors of an edge got, and tells it apart from what it said before', async () => {
  at = await install();
  const answer = { hostname: 'a.test', status: 502, since: '2030-01-01T00:00:00.000Z' };
  const failure = { hostname: 'b.test', failure: 'timeout: no answer within 5 s', since: answer.since };
  await at.post('a', STATUS, report({ answers: [{ ...answer, ...{ body: 'x' } }, failure] }));
  expect((await at.store.reports())[0]?.report.answers).toEqual([answer, failure]);
  await at.post('a', STATUS, report({ answers: [{ ...answer, status: 200 }] }));
  expect((await at.store.reports())[0]?.report.answers).toEqual([{ ...answer, status: 200 }]);
  await at.post('a', STATUS, report());
  expect((await at.store.reports())[0]?.report).not.toHaveProperty('answers');
});

it('keeps what a node last restored, and nothing else of it', async () => {
  at = await install();
  const restored = { at: '2030-01-01T00:00:00.000Z', what: ['set peer home', 'packet filter'] };
  await at.post('a', STATUS, report({ restored: { ...restored, ...{ by: 'x' } } }));
  expect((await at.store.reports())[0]?.report.restored).toEqual(restored);
});

it.each([
  ['without its time', { what: [] }, '/restored'],
  ['of too many things', { at: '2030-01-01T00:00:00.000Z', what: Array(21).fill('x') }, '/restored/what'],
  ['of a thing with too many words', { at: '2030-01-01T00:00:00.000Z', what: ['x'.repeat(101)] }, '/restored/what/0'],
])('refuses a restoration %s', async (_, restored, place) => {
  at = await install();
  const answer = await at.post('a', STATUS, report({ restored } as never));
  expect([answer.status, await answer.text()]).toEqual([422, expect.stringContaining(place)]);
});

it('answers 503 when the store fails, says nothing of why, and takes the next report', async () => {
  at = await install();
  at.store.failNext('saveEnrolment', Object.assign(new Error('/var/lib/secret-path broke'), { code: 'store_failed' }));
  const answer = await at.post('a', STATUS, report());
  expect(answer.status).toBe(503);
  expect(await answer.text()).not.toContain('secret-path');
  expect(await (await at.post('a', STATUS, report())).json()).toEqual({ bound: true });
});
