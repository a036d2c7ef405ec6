// Orders under leases: who may begin one, what the fleet has left, who takes over from whom.
import type { KeyObject } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { LeaseQuestion, OrderEnd, SealedCertificate } from '../../bundle/api.ts';
import { signRelayed } from '../../bundle/relayed.ts';
import {
  chunk,
  edgeConfig,
  enrolment,
  type Installation,
  install,
  keys,
  NODE_PATH,
  RECIPIENT,
  report,
} from './http.fixture.ts';

const CA = 'https://ca.example.com/dir';
const HOST = 'app.hoge.com';
const DAY_MS = 24 * 3600_000;
let at: Installation;
let secret: Record<'a' | 'b', KeyObject>;

/** Both edges apply a config that names this orderer for these names. */
async function orderedBy(orderer: 'a' | 'b', names: readonly string[] = [HOST], compromised?: string[]): Promise<void> {
  const text = chunk(names.map((hostname) => ({ hostname, orderer })));
  const configs = (['a', 'b'] as const).map((node) => edgeConfig(node, [text], compromised && { compromised }));
  const nodes = await at.publish(configs, [text]);
  for (const [index, node] of (['a', 'b'] as const).entries()) await say(node, nodes[index]!.configHash);
}

async function say(node: 'a' | 'b', applied: string): Promise<void> {
  const letter = { a: 'd', b: 'e' }[node];
  const own = { wireguardPublicKey: `${letter.repeat(42)}A=`, recipient: `age1${letter.repeat(58)}` };
  const said = { enrolment: enrolment({ ...own, signingKey: signingKeys[node] }), applied };
  await at.post(node, `${NODE_PATH}/status`, report(said, { node, signingKey: secret[node] }));
}
let signingKeys: Record<'a' | 'b', string>;

beforeEach(async () => {
  at = await install();
  const [a, b] = [keys(), keys()];
  secret = { a: a.privateKey, b: b.privateKey };
  signingKeys = { a: a.signingKey, b: b.signingKey };
  await orderedBy('a');
});
afterEach(() => at.close());

const path = (kind: 'leases' | 'orders', name: string) => `${NODE_PATH}/relay/${kind}/${encodeURIComponent(name)}`;
async function ask(node: 'a' | 'b', name = HOST, change: Partial<LeaseQuestion> = {}) {
  const question = { kind: 'lease', name, server: CA, renewal: false, by: node, ...change } as const;
  return (await at.post(node, path('leases', name), signRelayed<LeaseQuestion>(question, secret[node]))).json();
}
async function end(node: 'a' | 'b', change: Partial<OrderEnd> = {}, name = HOST) {
  return (await at.post(node, path('orders', name), signedEnd(node, change, name))).json();
}
function signedEnd(node: 'a' | 'b', change: Partial<OrderEnd> = {}, name = HOST): OrderEnd {
  const said = { kind: 'order_end', name, server: CA, outcome: 'issued', by: node, ...change } as const;
  return signRelayed<OrderEnd>(said, secret[node]);
}
const unsigned = async () => (await at.post('a', path('leases', HOST), {})).json();
const GRANTED = { granted: true };
const refusedBecause = (reason: string) => ({ granted: false, reason: expect.stringContaining(reason) });
const pass = (ms: number) => {
  at.clock.offsetMs += ms;
};

it('gives a name two orders a week, whoever asks, and says until when', async () => {
  for (const outcome of ['issued', 'issued'] as const) {
    expect(await ask('a')).toMatchObject(GRANTED);
    expect(await end('a', { outcome })).toEqual({ outcome: 'ended' });
    pass(DAY_MS);
  }
  await orderedBy('b');
  const answer = (await ask('b')) as { reason: string; retryAfterMs: number };
  expect(answer).toMatchObject(refusedBecause('ordered 2 times in 7 days: not before '));
  expect(Math.abs(answer.retryAfterMs - 5 * DAY_MS)).toBeLessThan(60_000);
  pass(5 * DAY_MS + 60_000);
  expect(await ask('b')).toMatchObject(GRANTED);
});

it('gives it one more for an edge that had it and is compromised, and no sixth one for many', async () => {
  const order = async () => {
    expect(await ask('a', HOST, { renewal: true })).toMatchObject(GRANTED);
    await end('a');
    pass(DAY_MS / 4);
  };
  for (const _ of [1, 2]) await order();
  expect(await ask('a')).toMatchObject(refusedBecause('ordered 2 times'));
  await orderedBy('a', [HOST], ['c/1']);
  await order();
  expect(await ask('a')).toMatchObject(refusedBecause('ordered 3 times'));
  await orderedBy('a', [HOST], ['c/1', 'd/1', 'e/1', 'f/1', 'g/1']);
  for (const _ of [4, 5]) await order();
  expect(await ask('a')).toMatchObject(refusedBecause('ordered 5 times'));
});

it('counts an order of which nobody says how it ended, once for an agent that only began anew', async () => {
  for (let times = 0; times < 5; times += 1) expect(await ask('a')).toMatchObject(GRANTED);
  expect(await at.store.orders({ server: CA, name: HOST }, 0, 9)).toHaveLength(1);
  pass(DAY_MS);
  expect(await ask('a')).toMatchObject(GRANTED);
  pass(DAY_MS);
  expect(await ask('a')).toMatchObject(refusedBecause('ordered 2 times'));
});

it('lets a certificate of six hours be renewed every four hours', async () => {
  for (let times = 0; times < 43; times += 1) {
    const nowMs = Date.now() + at.clock.offsetMs;
    expect(await ask('a', HOST, { renewal: times > 0 })).toMatchObject(GRANTED);
    await end('a');
    const life = { notBefore: nowMs, notAfter: nowMs + 6 * 3600_000 };
    const validity = {
      notBefore: new Date(life.notBefore).toISOString(),
      notAfter: new Date(life.notAfter).toISOString(),
    };
    const item = { hostname: HOST, recipient: RECIPIENT, sealed: 'QUJD', ...validity, by: 'a' };
    await at.post('a', `${NODE_PATH}/relay/certificates`, signRelayed<SealedCertificate>(item, secret.a));
    pass(4 * 3600_000 + 1000);
  }
});

it('makes a name wait alone whose validation fails, also for another edge', async () => {
  await orderedBy('a', [HOST, 'b.hoge.com']);
  await ask('a');
  await end('a', { outcome: 'validation_failed' });
  expect(await ask('a')).toMatchObject(refusedBecause('its validation failed once in a row'));
  expect(await ask('a', 'b.hoge.com')).toMatchObject(GRANTED);
  await orderedBy('b', [HOST]);
  expect(await ask('b')).toMatchObject(refusedBecause('its validation failed once in a row'));
  pass(61_000);
  // The lease of a is its own for ten minutes, as long as a is heard.
  expect(await ask('b')).toMatchObject(refusedBecause('a holds the lease'));
});

it.each<[NonNullable<OrderEnd['limit']> | undefined, string[], string[]]>([
  [undefined, ['b.hoge.com', 'c.fuga.com'], []],
  ['domain', ['b.hoge.com'], ['c.fuga.com']],
  ['account', ['b.hoge.com', 'c.fuga.com'], []],
  ['name', [], ['b.hoge.com', 'c.fuga.com']],
])('obeys a Retry-After for the %s: %j wait, %j do not', async (limit, waiting, going) => {
  await orderedBy('a', [HOST, 'b.hoge.com', 'c.fuga.com']);
  await ask('a');
  await end('a', { outcome: 'rate_limited', retryAfterMs: 3600_000, ...(limit && { limit }) });
  for (const name of [HOST, ...waiting])
    expect(await ask('a', name)).toMatchObject(refusedBecause('the CA asked a to wait'));
  for (const name of going) expect(await ask('a', name)).toMatchObject(GRANTED);
  await orderedBy('b', [HOST, 'b.hoge.com', 'c.fuga.com']);
  const isOfAll = limit === undefined;
  if (waiting.includes('c.fuga.com')) {
    const [first] = [await ask('b', 'c.fuga.com')];
    expect(first).toMatchObject(isOfAll ? refusedBecause('the CA asked a to wait') : GRANTED);
  }
  pass(3600_001);
  await orderedBy('a', [HOST]);
  expect(await ask('a')).toMatchObject(GRANTED);
  expect(at.lines.some((line) => line.includes('a certificate authority asked for a pause'))).toBe(true);
});

it('forgets what an edge said that has been revoked', async () => {
  await orderedBy('a', [HOST, 'b.hoge.com']);
  await ask('a');
  await end('a', { outcome: 'failed', retryAfterMs: 3600_000 });
  await orderedBy('b', [HOST, 'b.hoge.com']);
  expect(await ask('b', 'b.hoge.com')).toMatchObject(refusedBecause('asked a to wait'));
  at.setAccess('a', { state: 'revoked' });
  expect(await ask('b', 'b.hoge.com')).toMatchObject(GRANTED);
});

it.each<['hour' | 'minute', number, boolean]>([
  ['hour', 3600_000, false],
  ['minute', 60_000, true],
])('asks for a pause only with an order of now: one that began an %s ago', async (_, agoMs, isObeyed) => {
  await orderedBy('a', [HOST, 'b.hoge.com']);
  await ask('a');
  pass(agoMs);
  expect(await end('a', { outcome: 'rate_limited', retryAfterMs: 3 * 3600_000 })).toEqual({ outcome: 'ended' });
  expect((await at.store.pauses(CA, 0)).length > 0).toBe(isObeyed);
  expect(await ask('a', 'b.hoge.com')).toMatchObject(isObeyed ? refusedBecause('asked a to wait') : GRANTED);
});

it('counts no order of an edge that has been revoked: its successor may order', async () => {
  for (let times = 0; times < 2; times += 1) {
    await ask('a');
    pass(DAY_MS);
  }
  const begunMs = Date.now() + DAY_MS;
  for (let number = 0; number < 60; number += 1) {
    const name = `n${number}.hoge.com`;
    await at.store.beginOrder({ server: CA, name, domain: 'hoge.com', node: 'a', renewal: false, begunMs });
  }
  await orderedBy('b', [HOST, 'b.hoge.com']);
  for (const name of [HOST, 'b.hoge.com']) expect(await ask('b', name)).toMatchObject({ granted: false });
  at.setAccess('a', { state: 'revoked' });
  for (const name of [HOST, 'b.hoge.com']) expect(await ask('b', name)).toMatchObject(GRANTED);
  // Those of edges that are still there count, however many of the others are newer.
  for (let number = 0; number < 60; number += 1) {
    const name = `m${number}.hoge.com`;
    const node = number < 50 ? 'b' : 'a';
    await at.store.beginOrder({
      server: CA,
      name,
      domain: 'hoge.com',
      node,
      renewal: false,
      begunMs: begunMs + number,
    });
  }
  await orderedBy('b', ['c.hoge.com']);
  expect(await ask('b', 'c.hoge.com')).toMatchObject(refusedBecause('hoge.com had 50 new names'));
});

it('takes a name that the mailbox has for a renewal, whatever the edge says', async () => {
  const validity = { notBefore: '2026-01-01T00:00:00Z', notAfter: '2099-01-01T00:00:00Z' };
  const item = { hostname: HOST, recipient: RECIPIENT, sealed: 'QUJD', ...validity, by: 'a' };
  await at.post('a', `${NODE_PATH}/relay/certificates`, signRelayed<SealedCertificate>(item, secret.a));
  expect(await ask('a', HOST, { renewal: false })).toMatchObject(GRANTED);
  expect(await at.store.newNames(CA, 0)).toEqual(new Map());
});

it('believes nobody about an order that he did not begin', async () => {
  expect(await end('b', { outcome: 'rate_limited', retryAfterMs: 3600_000 })).toEqual({ outcome: 'unknown' });
  expect(await ask('a')).toMatchObject(GRANTED);
  expect(await end('b', { outcome: 'validation_failed' })).toEqual({ outcome: 'unknown' });
  expect(await at.store.pauses(CA, 0)).toEqual([]);
});

it.each<[string, () => unknown]>([
  ['without a server', () => signedEnd('a', { server: undefined as never })],
  ['with an outcome that there is not', () => signedEnd('a', { outcome: 'stolen' as never })],
  ['with a server that is none', () => signedEnd('a', { server: 'http://ca' })],
  ['that waits for ever', () => signedEnd('a', { outcome: 'rate_limited', retryAfterMs: 366 * DAY_MS + 1 })],
  ['that is a list', () => [CA]],
  ['of another name', () => signedEnd('a', {}, 'b.hoge.com')],
  ['of another edge', () => signedEnd('b')],
  ['in the name of another edge', () => signedEnd('b', { by: 'a' })],
  ['that was changed', () => ({ ...signedEnd('a'), outcome: 'failed' })],
  ['without a signature', () => ({ ...signedEnd('a'), signature: undefined })],
])('refuses an end %s', async (_, body) => {
  await ask('a');
  expect((await at.post('a', path('orders', HOST), body())).status).toBe(422);
  expect((await at.store.orders({ server: CA, name: HOST }, 0, 9))[0]).not.toHaveProperty('outcome');
});

it('lets a stolen token use up nothing: a question counts only under the key of the edge', async () => {
  const forged = signRelayed<LeaseQuestion>(
    { kind: 'lease', name: HOST, server: CA, renewal: false, by: 'a' },
    keys().privateKey,
  );
  expect((await at.post('a', path('leases', HOST), forged)).status).toBe(422);
  const unsaid = { server: CA, renewal: false };
  expect((await at.post('a', path('leases', HOST), unsaid)).status).toBe(422);
  for (let times = 0; times < 3; times += 1) await unsigned();
  expect(await at.store.orders({ server: CA, name: HOST }, 0, 9)).toEqual([]);
});

it('grants nothing at an authority that the config does not name', async () => {
  expect(await ask('a', HOST, { server: 'https://other.example/dir' })).toMatchObject(
    refusedBecause('another certificate authority'),
  );
});

it('counts and limits nothing for an agent that is too old to say where it orders', async () => {
  for (let times = 0; times < 4; times += 1) {
    expect(await unsigned()).toMatchObject(GRANTED);
    pass(DAY_MS);
  }
  expect(await at.store.orders({ server: CA, name: HOST }, 0, 9)).toEqual([]);
});

it('lets two edges have the last order of a domain together only once', async () => {
  const names = ['b.hoge.com', 'c.hoge.com'];
  await orderedBy('a', names);
  const begunMs = Date.now();
  for (let at49 = 0; at49 < 49; at49 += 1) {
    const name = `n${at49}.hoge.com`;
    await at.store.beginOrder({ server: CA, name, domain: 'hoge.com', node: 'b', renewal: false, begunMs });
  }
  const { orders } = at.store;
  // A store that takes its time, so that both could read before either has written.
  at.store.orders = async (...of) => {
    const found = await orders(...of);
    await delay(50);
    return found;
  };
  const answers = await Promise.all(names.map((name) => ask('a', name)));
  expect(answers.filter((one) => (one as { granted: boolean }).granted)).toHaveLength(1);
  expect(answers).toContainEqual(expect.objectContaining(refusedBecause('hoge.com had 50 new names')));
  expect(await ask('a', 'b.hoge.com', { renewal: true })).toMatchObject(GRANTED);
});

it('takes a lease over from an edge that is silent, when the config names another one, and not before', async () => {
  expect(await ask('a')).toMatchObject(GRANTED);
  at.silent.add('a');
  expect(await ask('b')).toMatchObject(refusedBecause('a orders the certificate'));
  await orderedBy('b');
  expect(await ask('b')).toMatchObject(GRANTED);
  expect(await at.store.leases()).toMatchObject([{ node: 'b' }]);
  expect(at.lines.filter((line) => line.includes('a lease was taken over'))).toHaveLength(1);
  // The one that died in the middle and its successor: two orders, and no third one.
  pass(DAY_MS);
  expect(await ask('b')).toMatchObject(refusedBecause('ordered 2 times'));
});

it('takes nothing over from an edge that is heard', async () => {
  await ask('a');
  await orderedBy('b');
  expect(await ask('b')).toMatchObject(refusedBecause('a holds the lease'));
});

it('shows what is left of the week, and who is silent', async () => {
  await ask('a');
  at.silent.add('b');
  const text = await (await at.ask('/metrics')).text();
  expect(text).toContain('kokoa_new_names_left{domain="hoge.com"} 49');
  expect(text).toContain('kokoa_silent_edges 1');
  expect(text).toContain('kokoa_certificate_orders_total{event="begun"} 1');
});
