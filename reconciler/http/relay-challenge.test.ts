// Who may have a proof for a wildcard put into DNS: the edge that its published config names, while it holds the lease.
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Wanted } from '../dns-challenges.ts';
import {
  chunk,
  edgeConfig,
  type Installation,
  install,
  NODE_PATH,
  type NodeName,
  originConfig,
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

it('passes on what the holder of the lease brings for a certificate that several hosts share', async () => {
  await lease('a', '*.hoge.com');
  expect(await ask('a', '*.hoge.com', { value: VALUE })).toMatchObject({ status: 200, said: 'ready' });
  expect(presented).toEqual([{ pool: 'default', certificate: '*.hoge.com', value: VALUE }]);
  expect(await ask('a', '*.hoge.com', {}, '/end')).toMatchObject({ status: 200, said: 'ready' });
  expect(withdrawn).toEqual(['*.hoge.com']);
});

it.each<[string, NodeName, string, unknown, string, RegExp | undefined]>([
  ['an edge that does not order it', 'b', '*.hoge.com', { value: VALUE }, 'refused', /a orders/],
  ['a certificate that the config does not want', 'a', '*.fuga.com', { value: VALUE }, 'refused', /does not want/],
  ['a certificate that nobody orders', 'a', '*.nobody.com', { value: VALUE }, 'refused', /nobody orders/],
  ['an edge without the lease', 'b', '*.b.hoge.com', { value: VALUE }, 'refused', /no lease/],
  ['a single name', 'a', 'app.hoge.com', { value: VALUE }, 'bad_hostname', undefined],
  ['a name that is none', 'a', '*.HOGE.com', { value: VALUE }, 'bad_hostname', undefined],
  ['a name that leads elsewhere', 'a', '*.hoge.com\nx', { value: VALUE }, 'bad_hostname', undefined],
  ['no value', 'a', '*.hoge.com', {}, 'bad_challenge', undefined],
  ['a value of another shape', 'a', '*.hoge.com', { value: `${VALUE}"` }, 'bad_challenge', undefined],
  ['a body that is no object', 'a', '*.hoge.com', null, 'not_json', undefined],
  ['an origin', 'home', '*.hoge.com', { value: VALUE }, 'edges_only', undefined],
])('refuses %s', async (_, as, name, body, said, reason) => {
  await lease('a', '*.hoge.com');
  const answer = await ask(as, name, body);
  expect(answer.said).toBe(said);
  if (reason) expect(answer.reason).toMatch(reason);
  expect(presented).toEqual([]);
});

it('refuses whose lease has ended, and lets nobody end the order of another', async () => {
  await lease('a', '*.hoge.com');
  expect(await ask('b', '*.hoge.com', {}, '/end')).toMatchObject({ said: 'refused' });
  expect(withdrawn).toEqual([]);
  at.clock.offsetMs = 60_000;
  expect(await ask('a', '*.hoge.com', { value: VALUE })).toMatchObject({ said: 'refused' });
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
