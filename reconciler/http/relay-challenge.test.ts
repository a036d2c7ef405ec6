// Who may have a proof for a wildcard put into DNS: the edge that its published config names, while it holds the lease.
import type { KeyObject } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ChallengeEnd, ChallengeQuestion } from '../../bundle/api.ts';
import { signRelayed } from '../../bundle/relayed.ts';
import type { Wanted } from '../dns-challenges.ts';
import {
  chunk,
  edgeConfig,
  enrolment,
  type Installation,
  install,
  keys,
  NODE_PATH,
  type NodeName,
  originConfig,
  report,
} from './http.fixture.ts';

const VALUE = `${'a'.repeat(42)}A`;
const ROUTES = [
  { hostname: 'app.hoge.com', certificate: '*.hoge.com', orderer: 'a' },
  { hostname: 'wiki.hoge.com', certificate: '*.hoge.com', orderer: 'a' },
  { hostname: '*.b.hoge.com', orderer: 'b' },
  { hostname: '*.nobody.com' },
];

let at: Installation;
let presented: Wanted[];
let withdrawn: string[];
let secret: Record<NodeName, KeyObject>;

beforeEach(async () => {
  presented = [];
  withdrawn = [];
  at = await install({
    challenges: {
      async present(wanted) {
        presented.push(wanted);
        return { outcome: 'ready' };
      },
      async withdraw({ certificate }) {
        withdrawn.push(certificate);
      },
    },
  });
  const text = chunk(ROUTES);
  await at.publish([edgeConfig('a', [text]), edgeConfig('b', [text]), originConfig('home')], [text]);
  const own = { a: keys(), b: keys(), home: keys() };
  secret = { a: own.a.privateKey, b: own.b.privateKey, home: own.home.privateKey };
  for (const [node, letter] of [
    ['a', 'd'],
    ['b', 'e'],
  ] as const) {
    const named = { wireguardPublicKey: `${letter.repeat(42)}A=`, recipient: `age1${letter.repeat(58)}` };
    const said = { enrolment: enrolment({ ...named, signingKey: own[node].signingKey }) };
    await at.post(node, `${NODE_PATH}/status`, report(said, { node, signingKey: secret[node] }));
  }
});

afterEach(() => at.close());

async function lease(node: NodeName, hostname: string, ms = 60_000): Promise<void> {
  const now = at.deps.clock().getTime();
  await at.store.takeLease({ pool: 'default', hostname, node, expiresMs: now + ms }, now);
}

async function ask(as: NodeName, name: string, body: unknown, end = '') {
  const response = await at.post(as, `${NODE_PATH}/relay/challenges/${encodeURIComponent(name)}${end}`, body);
  const said = (await response.json()) as { outcome?: string; error?: string; reason?: string };
  return { status: response.status, said: said.error ?? said.outcome, reason: said.reason };
}

type Said = Partial<Omit<ChallengeQuestion, 'signature'>>;
const question = (by: NodeName, name: string, change: Said = {}, key = secret[by]) =>
  signRelayed<ChallengeQuestion>({ kind: 'challenge', name, value: VALUE, by, ...change }, key);
const over = (by: NodeName, name: string, key = secret[by]) =>
  signRelayed<ChallengeEnd>({ kind: 'challenge_end', name, by }, key);

it('passes on what the holder of the lease brings for a certificate that several hosts share', async () => {
  await lease('a', '*.hoge.com');
  expect(await ask('a', '*.hoge.com', question('a', '*.hoge.com'))).toMatchObject({ status: 200, said: 'ready' });
  expect(presented).toEqual([{ pool: 'default', certificate: '*.hoge.com', value: VALUE }]);
  expect(await ask('a', '*.hoge.com', over('a', '*.hoge.com'), '/end')).toMatchObject({ status: 200, said: 'ready' });
  expect(withdrawn).toEqual(['*.hoge.com']);
});

/** By default what `as` says of the name in the path. */
type Body = (as: NodeName, name: string) => unknown;
const SAID: Body = (as, name) => question(as, name);

it.each<[string, NodeName, string, Body, string, RegExp | undefined]>([
  ['an edge that does not order it', 'b', '*.hoge.com', SAID, 'refused', /a orders/],
  ['a certificate that the config does not want', 'a', '*.fuga.com', SAID, 'refused', /does not want/],
  ['a certificate that nobody orders', 'a', '*.nobody.com', SAID, 'refused', /nobody orders/],
  ['an edge without the lease', 'b', '*.b.hoge.com', SAID, 'refused', /no lease/],
  ['a single name', 'a', 'app.hoge.com', SAID, 'bad_hostname', undefined],
  ['a name that is none', 'a', '*.HOGE.com', SAID, 'bad_hostname', undefined],
  ['a name that leads elsewhere', 'a', '*.hoge.com\nx', SAID, 'bad_hostname', undefined],
  ['nothing', 'a', '*.hoge.com', () => ({}), 'bad_challenge', undefined],
  ['a value alone', 'a', '*.hoge.com', () => ({ value: VALUE }), 'bad_challenge', undefined],
  [
    'a value of another shape',
    'a',
    '*.hoge.com',
    (as, name) => question(as, name, { value: `${VALUE}"` }),
    'bad_challenge',
    undefined,
  ],
  ['a value for another name', 'a', '*.hoge.com', (as) => question(as, '*.b.hoge.com'), 'bad_challenge', undefined],
  ['a value of another edge', 'a', '*.hoge.com', (_, name) => question('b', name), 'bad_challenge', undefined],
  [
    'a value in the name of another edge',
    'b',
    '*.hoge.com',
    (as, name) => question(as, name, { by: 'a' }),
    'bad_challenge',
    undefined,
  ],
  [
    'another value than was signed',
    'a',
    '*.hoge.com',
    (as, name) => ({ ...question(as, name), value: VALUE.replace('a', 'b') }),
    'bad_challenge',
    undefined,
  ],
  ['the end of an order', 'a', '*.hoge.com', (as, name) => over(as, name), 'bad_challenge', undefined],
  ['a body that is no object', 'a', '*.hoge.com', () => null, 'not_json', undefined],
  ['an origin', 'home', '*.hoge.com', SAID, 'edges_only', undefined],
])('refuses %s', async (_, as, name, body, said, reason) => {
  await lease('a', '*.hoge.com');
  const answer = await ask(as, name, body(as, name));
  expect(answer.said).toBe(said);
  if (reason) expect(answer.reason).toMatch(reason);
  expect(presented).toEqual([]);
});

it('hears the end of an order only from the edge itself, as signed', async () => {
  await lease('a', '*.hoge.com');
  const name = '*.hoge.com';
  for (const body of [{}, over('a', name, secret.b), over('a', '*.b.hoge.com'), question('a', name)])
    expect(await ask('a', name, body, '/end')).toMatchObject({ status: 422, said: 'bad_challenge' });
  expect(withdrawn).toEqual([]);
});

it('refuses whose lease has ended, and lets nobody end the order of another', async () => {
  await lease('a', '*.hoge.com');
  expect(await ask('b', '*.hoge.com', over('b', '*.hoge.com'), '/end')).toMatchObject({ said: 'refused' });
  expect(withdrawn).toEqual([]);
  at.clock.offsetMs = 60_000;
  expect(await ask('a', '*.hoge.com', question('a', '*.hoge.com'))).toMatchObject({ said: 'refused' });
  expect(presented).toEqual([]);
});

it('finds a certificate that several hosts share, in whichever chunk they stand', async () => {
  const texts = Array.from({ length: 16 }, (_, bucket) =>
    chunk(bucket === 11 ? ROUTES : [{ hostname: `x${bucket}.fuga.com`, orderer: 'b' }]),
  );
  // By itself such a host has none, and nobody gets a lease for one.
  expect(await at.served.certificate(at.served.node('a')!.config, 'app.hoge.com')).toBeUndefined();
  const [config] = await at.publish([edgeConfig('a', texts)], texts);
  const served = at.served.node('a')!.config;
  expect(served.hash).toBe(config!.configHash);
  expect(await at.served.certificate(served, '*.hoge.com')).toEqual({ orderer: 'a' });
  expect(await at.served.certificate(served, '*.nobody.com')).toEqual({});
  expect(await at.served.certificate(served, 'app.hoge.com')).toBeUndefined();
  expect(await at.served.certificate(served, '*.other.com')).toBeUndefined();
});
