// Proofs for wildcards in a real zone: knot on loopback takes the updates and answers.
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import type { Zone } from '../schemas/types.ts';
import { createMemoryStore, type MemoryStore } from '../test/fakes/memory-store.ts';
import { type LoopbackKnot, startLoopbackKnot } from '../test/loopback-knot.ts';
import { createRfc2136 } from './adapters/dns-rfc2136.ts';
import { CHALLENGE_MS_MAX, createDnsChallenges, type DnsChallengesParts, VALUES_MAX } from './dns-challenges.ts';
import { dnsProviderOf } from './dns-providers.ts';
import type { DnsProvider } from './ports/dns-provider.ts';

// A program is started for each change; a loaded machine takes a second for that.
vi.setConfig({ testTimeout: 30_000 });

const valueWith = (letter: string) => letter.repeat(42).concat('A');
const [A, B] = [valueWith('a'), valueWith('b')];
const POOL = 'default';
const POLL = { timeout: 15_000 };

let knot: LoopbackKnot;
let dns: DnsProvider;
let store: MemoryStore;
let log: string[];
let nowMs: number;
/** CNAMEs that people set in zones that nobody manages. */
let cnames: Record<string, string>;

beforeAll(async () => {
  knot = await startLoopbackKnot({
    'hoge.com': [
      '@ A 203.0.113.1',
      'app A 203.0.113.1',
      '_acme-challenge.moved CNAME moved._acme-challenge',
      'moved A 203.0.113.1',
      '_acme-challenge.stray CNAME www.hoge.com.',
      'stray A 203.0.113.1',
      'www A 203.0.113.1',
    ],
    // Everything below it is made up by a wildcard, as a CNAME.
    'fuga.net': ['* CNAME pool.hoge.com.', 'own A 203.0.113.1', 'deep.own A 203.0.113.1'],
  });
  dns = createRfc2136({ zone: 'hoge.com', address: '127.0.0.1', port: knot.port, key: knot.key });
});

afterAll(() => knot.close());

beforeEach(() => {
  store = createMemoryStore();
  log = [];
  nowMs = Date.now();
  cnames = {};
});

const written = (name: string, more: Partial<Zone> = {}): Zone => ({
  ...{ name, provider: 'rfc2136', server: `127.0.0.1:${knot.port}`, credentials: { file: 'tsig' } },
  ...more,
});

function challenges(change: Partial<DnsChallengesParts> = {}) {
  const zones = new Map<string, Zone>([
    ['hoge.com', written('hoge.com')],
    ['fuga.net', written('fuga.net')],
    ['foreign.example', { name: 'foreign.example', provider: 'manual', acmeDelegated: true }],
    ['by-hand.example', { name: 'by-hand.example', provider: 'manual' }],
  ]);
  const places = { read: async () => ({ kind: 'text', text: knot.keyText }) as const };
  const line = (fields: object, message: string) => void log.push(JSON.stringify({ message, ...fields }));
  return createDnsChallenges({
    zones: () => zones,
    provider: (name, zone) => dnsProviderOf(name, zone, places, { rfc2136: createRfc2136 }),
    publicDns: { cname: async (name) => cnames[name] },
    log: { info: line, warn: line },
    now: () => nowMs,
    store,
    ...change,
  });
}

const present = (certificate: string, value: string, pool = POOL) => challenges().present({ pool, certificate, value });

it('is there when it says so, beside what is there, and the end of the order takes out its own value alone', async () => {
  const one = challenges();
  expect(await one.present({ pool: POOL, certificate: '*.hoge.com', value: A })).toEqual({ outcome: 'ready' });
  expect(await one.present({ pool: 'other', certificate: '*.hoge.com', value: B })).toEqual({ outcome: 'ready' });
  expect((await dns.txt('_acme-challenge.hoge.com')).sort()).toEqual([A, B]);
  await one.withdraw({ pool: POOL, certificate: '*.hoge.com' });
  expect(await dns.txt('_acme-challenge.hoge.com')).toEqual([B]);
  await one.withdraw({ pool: 'other', certificate: '*.hoge.com' });
  expect(await dns.txt('_acme-challenge.hoge.com')).toEqual([]);
  expect(await store.keptChallenges()).toEqual([]);
});

it('writes the same value once, however often it is asked for', async () => {
  const one = challenges();
  const wanted = { pool: POOL, certificate: '*.app.hoge.com', value: A };
  expect(await Promise.all([one.present(wanted), one.present(wanted)])).toEqual([
    { outcome: 'ready' },
    { outcome: 'ready' },
  ]);
  expect(await one.present(wanted)).toEqual({ outcome: 'ready' });
  expect(await dns.txt('_acme-challenge.app.hoge.com')).toEqual([A]);
  await one.withdraw(wanted);
});

it('takes out what a crash left, once it is old, whatever way the clock went', async () => {
  await present('*.hoge.com', A);
  await store.keepChallenge({
    ...(await store.keptChallenges())[0]!,
    value: B,
    writtenMs: nowMs + 10 * CHALLENGE_MS_MAX,
  });
  await dns.addChallenge('_acme-challenge.hoge.com', B);
  const stop = new AbortController();
  const sweeping = (at: number) => {
    nowMs = at;
    void challenges().run(stop.signal);
  };
  sweeping(nowMs + 1);
  await expect.poll(() => dns.txt('_acme-challenge.hoge.com'), POLL).toEqual([A]);
  sweeping(nowMs + CHALLENGE_MS_MAX);
  await expect.poll(() => dns.txt('_acme-challenge.hoge.com'), POLL).toEqual([]);
  await expect.poll(() => store.keptChallenges(), POLL).toEqual([]);
  stop.abort();
});

it('keeps a few values for one certificate, the newest', async () => {
  const values = ['c', 'd', 'e', 'f', 'g'].map(valueWith);
  for (const value of values) {
    nowMs += 1;
    expect(await present('*.hoge.com', value)).toEqual({ outcome: 'ready' });
  }
  expect((await dns.txt('_acme-challenge.hoge.com')).sort()).toEqual(values.slice(-VALUES_MAX));
  await challenges().withdraw({ pool: POOL, certificate: '*.hoge.com' });
});

it('follows a CNAME to the subtree that is ours, from a zone that it writes and from one that people keep', async () => {
  cnames = {
    '_acme-challenge.x.foreign.example': 'hop.foreign.example',
    'hop.foreign.example': 'X.foreign._ACME-challenge.hoge.com.',
  };
  expect(await present('*.moved.hoge.com', A)).toEqual({ outcome: 'ready' });
  expect(await dns.txt('moved._acme-challenge.hoge.com')).toEqual([A]);
  expect(await present('*.x.foreign.example', B)).toEqual({ outcome: 'ready' });
  expect(await dns.txt('x.foreign._acme-challenge.hoge.com')).toEqual([B]);
});

const loop = Object.fromEntries(
  Array.from({ length: 10 }, (_, at) => [`h${at}.foreign.example`, `h${at + 1}.foreign.example`]),
);

it.each<[string, string, Record<string, string>, RegExp]>([
  ['a zone that people keep', '*.by-hand.example', {}, /no zone of kokoa.yaml/],
  ['no zone at all', '*.unknown.example', {}, /no zone of kokoa.yaml/],
  ['no CNAME', '*.foreign.example', {}, /is no CNAME/],
  [
    'a CNAME to another name of ours',
    '*.foreign.example',
    { '_acme-challenge.foreign.example': 'www.hoge.com' },
    /expected a name below/,
  ],
  [
    'a CNAME to the proof of somebody else',
    '*.foreign.example',
    { '_acme-challenge.foreign.example': '_acme-challenge.hoge.com' },
    /expected a name below/,
  ],
  ['a CNAME to nothing', '*.foreign.example', { '_acme-challenge.foreign.example': 'a b"\n' }, /name that is none/],
  [
    'CNAMEs without end',
    '*.foreign.example',
    { '_acme-challenge.foreign.example': 'h0.foreign.example', ...loop },
    /more than 8/,
  ],
  ['a CNAME in our own zone that leads astray', '*.stray.hoge.com', {}, /expected a name below/],
  ['a name that only a wildcard of DNS serves', '*.shop.fuga.net', {}, /shop.fuga.net is served by a wildcard/],
  ['one between that only a wildcard serves', '*.a.shop.fuga.net', {}, /shop.fuga.net is served by a wildcard/],
])('refuses %s', async (_, certificate, given, expected) => {
  cnames = given;
  expect(await present(certificate, A)).toEqual({ outcome: 'refused', reason: expect.stringMatching(expected) });
  expect(await store.keptChallenges()).toEqual([]);
});

it('writes beside a wildcard of DNS where the name has records of its own, and leaves every name as it was', async () => {
  const fuga = createRfc2136({ zone: 'fuga.net', address: '127.0.0.1', port: knot.port, key: knot.key });
  for (const certificate of ['*.own.fuga.net', '*.deep.own.fuga.net', '*.fuga.net']) {
    expect(await present(certificate, A)).toEqual({ outcome: 'ready' });
    for (const name of ['any.fuga.net', 'own.fuga.net', 'deep.own.fuga.net'])
      expect(await fuga.isServed(name)).toBe(true);
    await challenges().withdraw({ pool: POOL, certificate });
  }
});

it.each<[string, Partial<DnsProvider>, RegExp]>([
  ['says yes and does nothing', { addChallenge: async () => undefined }, /took the record and does not have it/],
  [
    'does not answer',
    {
      txt: async () => {
        throw new Error('gone');
      },
    },
    /gone/,
  ],
])('lets the edge wait while the server %s', async (_, lie, expected) => {
  const one = challenges({ provider: async () => ({ ...dns, ...lie }), readBackMs: 200 });
  const said = await one.present({ pool: POOL, certificate: '*.hoge.com', value: A });
  expect(said).toMatchObject({ outcome: 'wait', reason: expect.stringMatching(expected) });
  expect(log.join()).toContain('is not in DNS');
});

it('answers in time although the server does not, and what becomes of it is asked for again', async () => {
  let go = () => {};
  const held = new Promise<void>((resolve) => {
    go = resolve;
  });
  const slow = {
    ...dns,
    addChallenge: (name: string, value: string) => held.then(() => dns.addChallenge(name, value)),
  };
  const one = challenges({ provider: async () => slow, answerMs: 50 });
  const wanted = { pool: POOL, certificate: '*.hoge.com', value: A };
  expect(await one.present(wanted)).toMatchObject({ outcome: 'wait' });
  go();
  await expect.poll(() => one.present(wanted), POLL).toEqual({ outcome: 'ready' });
  await one.withdraw(wanted);
});

/** The server of hoge.com, that of fuga.net being dead: it takes what it is asked and answers nothing until `go`. */
function withDeadServer() {
  let go = () => {};
  const held = new Promise<void>((resolve) => {
    go = resolve;
  });
  const asked: string[] = [];
  const dead = {
    ...dns,
    async cname(record: string) {
      asked.push(record);
      await held;
      throw new Error('dead');
    },
  };
  const provider: DnsChallengesParts['provider'] = async (name) => (name === 'fuga.net' ? dead : dns);
  return { go, asked, provider };
}

it('writes into a zone while the server of another one is dead, which is asked one thing at a time', async () => {
  const { go, asked, provider } = withDeadServer();
  const one = challenges({ provider, answerMs: 50 });
  const names = Array.from({ length: 20 }, (_, at) => `*.x${at}.fuga.net`);
  for (const certificate of names)
    expect(await one.present({ pool: POOL, certificate, value: A })).toMatchObject({ outcome: 'wait' });
  const wanted = { pool: POOL, certificate: '*.hoge.com', value: A };
  await expect.poll(() => one.present(wanted), POLL).toEqual({ outcome: 'ready' });
  expect(asked).toEqual(['_acme-challenge.x0.fuga.net']);
  go();
  await one.withdraw(wanted);
  await expect.poll(() => dns.txt('_acme-challenge.hoge.com'), POLL).toEqual([]);
});

it('leaves nothing of an order that ended before its value was written', async () => {
  const { go, provider: deadOrNot } = withDeadServer();
  const added: string[] = [];
  const provider: DnsChallengesParts['provider'] = async () => ({
    ...dns,
    // The first in the zone holds up the second.
    cname: (record) =>
      deadOrNot('fuga.net', {} as Zone)
        .then((dead) => dead.cname(record))
        .catch(() => undefined),
    addChallenge: (name, value) => dns.addChallenge(name, value).then(() => void added.push(value)),
  });
  const one = challenges({ provider, answerMs: 50 });
  const late = { pool: POOL, certificate: '*.app.hoge.com', value: B };
  await one.present({ pool: POOL, certificate: '*.hoge.com', value: A });
  expect(await one.present(late)).toMatchObject({ outcome: 'wait' });
  await one.withdraw(late);
  expect(await store.keptChallenges()).toEqual([]);
  go();
  await expect.poll(() => added, POLL).toEqual([A, B]);
  await expect.poll(async () => (await store.keptChallenges()).map(({ value }) => value), POLL).toEqual([A]);
  expect(await dns.txt('_acme-challenge.app.hoge.com')).toEqual([]);
  await one.withdraw({ pool: POOL, certificate: '*.hoge.com' });
  await expect.poll(() => store.keptChallenges(), POLL).toEqual([]);
});

it('does nothing for the end of an order that never wrote', async () => {
  const { go, provider } = withDeadServer();
  // Nobody gets an answer before the work is done.
  const one = challenges({ provider, answerMs: 3600_000 });
  const busy = one.present({ pool: POOL, certificate: '*.own.fuga.net', value: A });
  await one.withdraw({ pool: POOL, certificate: '*.any.fuga.net' });
  go();
  expect(await busy).toMatchObject({ outcome: 'wait' });
});

it('begins one value at a time for a certificate, and takes out what was late when the order had ended', async () => {
  let go = () => {};
  const held = new Promise<void>((resolve) => {
    go = resolve;
  });
  const calls: string[] = [];
  const slow: DnsProvider = {
    ...dns,
    async addChallenge(name, value) {
      calls.push(`add ${value}`);
      await held;
      await dns.addChallenge(name, value);
    },
    async removeChallenge(name, value) {
      calls.push(`remove ${value}`);
      await dns.removeChallenge(name, value);
    },
  };
  const one = challenges({ provider: async () => slow, answerMs: 50 });
  const order = { pool: POOL, certificate: '*.hoge.com' };
  expect(await one.present({ ...order, value: A })).toMatchObject({ reason: 'the record is being written' });
  await expect.poll(() => calls, POLL).toEqual([`add ${A}`]);
  for (const letter of ['b', 'c', 'd', 'e', 'f', 'g'])
    expect(await one.present({ ...order, value: valueWith(letter) })).toEqual({
      ...{ outcome: 'wait', retryAfterMs: 500 },
      reason: 'another value is being written',
    });
  await Promise.all(Array.from({ length: 20 }, () => one.withdraw(order)));
  expect(await one.present({ ...order, value: B })).toMatchObject({
    reason: 'the value of the order before is being taken out',
  });
  go();
  await expect.poll(() => one.present({ ...order, value: B }), POLL).toEqual({ outcome: 'ready' });
  expect(calls).toEqual([`add ${A}`, `remove ${A}`, `add ${B}`]);
  expect(await dns.txt('_acme-challenge.hoge.com')).toEqual([B]);
  await one.withdraw(order);
  await expect.poll(() => store.keptChallenges(), POLL).toEqual([]);
  expect(await dns.txt('_acme-challenge.hoge.com')).toEqual([]);
});

it('says what is wrong with credentials, and never a word of them', async () => {
  const text = knot.keyText.replace('hmac-sha256', 'hmac-md5');
  const places = { read: async () => ({ kind: 'text', text }) as const };
  const provider: DnsChallengesParts['provider'] = (name, zone) =>
    dnsProviderOf(name, zone, places, { rfc2136: createRfc2136 });
  const said = await challenges({ provider }).present({ pool: POOL, certificate: '*.hoge.com', value: A });
  expect(said).toMatchObject({ outcome: 'wait', reason: expect.stringContaining('expected one of hmac-sha256') });
  expect(JSON.stringify([said, log])).not.toContain(knot.key.secret);
});
