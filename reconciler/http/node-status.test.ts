// What nodes may say, and what becomes of it.
import { afterEach, expect, it } from 'vitest';
import { enrolment, type Installation, install, keys, NODE_PATH, report } from './http.fixture.ts';

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

it('ignores another machine under the same token, and everything it says', async () => {
  at = await install();
  await at.post('a', STATUS, report());
  const thief = report({ state: 'refused', enrolment: enrolment({ signingKey: keys().signingKey }) });
  const answer = await at.post('a', STATUS, thief);
  expect([answer.status, await answer.json()]).toMatchObject([
    200,
    { bound: false, reason: expect.stringContaining('signing key') },
  ]);
  expect(await at.store.reports()).toMatchObject([{ report: { state: 'applied' } }]);
  expect(at.calls.enrolment).toBe(1);
  expect(at.reports.refused('a')).toContain('signing key');
  await at.post('a', STATUS, thief);
  expect(at.lines.filter((line) => line.includes('an announcement is refused'))).toHaveLength(1);
  await at.post('a', STATUS, report());
  expect(at.reports.refused('a')).toBeUndefined();
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
  expect((await at.post('a', STATUS, { ...report(), ...evil, more: 'x'.repeat(1000) })).status).toBe(200);
  expect(Object.keys((await at.store.reports())[0]!.report).sort()).toEqual(['agentVersion', 'enrolment', 'state']);
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

it('answers 503 when the store fails, says nothing of why, and takes the next report', async () => {
  at = await install();
  at.store.failNext('saveEnrolment', Object.assign(new Error('/var/lib/secret-path broke'), { code: 'store_failed' }));
  const answer = await at.post('a', STATUS, report());
  expect(answer.status).toBe(503);
  expect(await answer.text()).not.toContain('secret-path');
  expect(await (await at.post('a', STATUS, report())).json()).toEqual({ bound: true });
});
