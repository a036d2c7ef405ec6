// A signature is not enough. Real keys sign, the real convergence judges, a real nginx serves: whatever a stolen key or a broken
// reconciler signs is refused, or costs its own part, and what ran goes on.
import { X509Certificate } from 'node:crypto';
import { chmod, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { EdgeConfig, WireRoute } from '../bundle/config.ts';
import { type CertificateMaker, createCertificateMaker } from '../test/certificate-maker.ts';
import { answering, openRealEdge, type RealEdge } from './real-edge.fixture.ts';

const GOOD = Array.from({ length: 12 }, (_, index) => answering(`good-${index}.test`));
/** Every character of it has a meaning to somebody. */
const BREAKOUTS = [
  'a.test;load_module /tmp/x.so',
  'a.test}load_module /tmp/x.so;',
  'a.test\nload_module /tmp/x.so;\n',
  'a.test"; load_module x; "',
  'a.test{',
  '$host.test',
  `$${'{'}host}.test`,
  'a.test\0',
  'ä.test',
  'a\u202e.test',
  'a.test#',
  "a.test'",
  'a\\.test',
  '../../etc/passwd',
] as const;

let edge: RealEdge;
let maker: CertificateMaker;

beforeAll(async () => {
  edge = await openRealEdge();
  maker = await createCertificateMaker();
  expect(await edge.take(GOOD)).toMatchObject({ kind: 'applied' });
});

afterAll(() => Promise.all([edge.close(), maker.close()]));

const made = (hostname: string) => maker.make({ names: [`DNS:${hostname}`] });

async function expectRefused(
  code: string,
  routes: readonly WireRoute[],
  change?: (config: EdgeConfig) => object,
): Promise<void> {
  expect(await edge.take(routes, change)).toMatchObject({ kind: 'refused', code, fault: 'bundle' });
}

/** One route besides those that are good. */
const beside = (bad: object) => [...GOOD, bad as WireRoute];
const spoiled = (more: object) => beside({ ...answering('bad.test'), ...more });
const to = (address: string) => [{ address, port: 80 }];

const PROXIED = { redirect: undefined, backends: to('10.100.1.1') };

describe('what condemns a bundle as a whole', () => {
  let serves: string | undefined;

  beforeAll(async () => {
    serves = await edge.web.serving();
  });

  afterEach(async () => {
    expect(await edge.web.serving()).toBe(serves);
    expect((await edge.trusted.lastKnownGood())?.configHash).toBe(edge.running()?.configHash);
    expect(await edge.known('good-0.test')).toBe(true);
  });

  test('all hosts removed, and all replaced', async () => {
    await expectRefused('too_many_hosts_vanish', []);
    await expectRefused(
      'too_many_hosts_vanish',
      GOOD.map(({ hostname }) => answering(`new-${hostname}`)),
    );
  });

  test.each([
    ['a backend on the internet', { backends: to('8.8.8.8') }],
    ['a backend on loopback', { backends: to('127.0.0.1') }],
    ['a backend at a cloud’s metadata', { backends: to('169.254.169.254') }],
    ['a path that leads outside', { paths: [{ prefix: '/a', backends: to('192.168.0.1') }] }],
    [
      'a login that leads outside',
      { backends: to('10.100.1.1'), auth: { kind: 'forward', address: '8.8.8.8', port: 80, path: '/' } },
    ],
  ])('%s', (_, more) => expectRefused('address_outside_network', spoiled(more)));

  test.each<[string, string, (config: EdgeConfig) => object]>([
    [
      'a network that is public',
      'network_not_private',
      (config) => ({ ...config, network: { wireguard: '8.0.0.0/8' } }),
    ],
    [
      'a peer outside the network',
      'address_outside_network',
      (config) => withPeer(config, { node: 'x', publicKey: `${'B'.repeat(42)}E=`, address: '192.168.0.1' }),
    ],
    [
      'a peer at the address of another',
      'malformed',
      (config) => withPeer(config, { node: 'x', publicKey: `${'B'.repeat(42)}E=`, address: '10.100.1.1' }),
    ],
    ['SSH as a public port', 'stream_invalid', (config) => withPort(config, { protocol: 'tcp', port: 22 })],
    [
      'a public port that leads outside',
      'address_outside_network',
      (config) => withPort(config, { protocol: 'tcp', port: 2222, backends: to('8.8.8.8') }),
    ],
    ['a member nobody knows of', 'malformed', (config) => ({ ...config, load_module: 'x.so' })],
    ['a directive in the pool', 'malformed', (config) => ({ ...config, edge: { ...config.edge, pool: 'a;b' } })],
    [
      'a directive in a thumbprint',
      'malformed',
      (config) => ({
        ...config,
        edge: { ...config.edge, members: [{ ...config.edge.members[0], acmeThumbprint: `${'B'.repeat(41)}"}` }] },
      }),
    ],
    [
      'a directive in a load balancer’s network',
      'malformed',
      (config) => ({ ...config, edge: { ...config.edge, proxyProtocolFrom: ['10.0.0.0/8; load_module x'] } }),
    ],
  ])('%s', (_, code, change) => expectRefused(code, GOOD, change));

  test.each(BREAKOUTS)('the hostname %j', (hostname) => expectRefused('malformed', spoiled({ hostname })));

  test('a directive wherever a text can stand', async () => {
    const [text] = BREAKOUTS;
    const header = (name: string, value: string) => ({ headers: { response: { set: [{ name, value }] } } });
    const spoilers: object[] = [
      { orderer: text },
      { backends: to(text) },
      { redirect: { to: text, status: 302 } },
      { paths: [{ prefix: text, backends: to('10.100.1.1') }] },
      { auth: { kind: 'forward', address: '10.100.1.1', port: 80, path: text } },
      { auth: { kind: 'forward', address: '10.100.1.1', port: 80, path: '/', identityHeaders: [text] } },
      header(text, 'x'),
      header('x', '$host'),
      { allow: [text] },
      { maintenance: { allow: [text] } },
      { limits: { maxBodyBytes: text } },
      { timeouts: { readMs: text } },
      { hsts: { maxAge: text } },
      { protocol: 'https', originTls: { verify: 'none', serverName: text } },
      { closed: text },
      { load_module: text },
    ];
    for (const more of spoilers) await expectRefused('malformed', spoiled(more));
  });
});

describe('what costs its own part alone', () => {
  beforeEach(async () => {
    expect(await edge.take(GOOD)).toMatchObject({ kind: 'applied' });
    edge.counted.tests = 0;
  });

  /** `bad.test` answers as an unknown host, everybody else as asked for. */
  async function expectAlone(more: object, reason: RegExp, testsMax: number): Promise<void> {
    const outcome = await edge.take([...spoiled(more), answering('new.test')]);
    expect(outcome).toMatchObject({
      kind: 'applied',
      made: { leftOut: [{ name: 'bad.test', reason: expect.stringMatching(reason) }] },
    });
    expect(edge.counted.tests).toBeLessThanOrEqual(testsMax);
    expect([await edge.known('bad.test'), await edge.known('new.test')]).toEqual([false, true]);
    expect(await edge.known('good-0.test')).toBe(true);
  }

  test.each<[string, object, RegExp]>([
    ['a prefix that climbs', { paths: [{ prefix: '/a/../b', backends: to('10.100.1.1') }] }, /a prefix is expected/],
    ['a prefix of ours', { paths: [{ prefix: '/.kokoa', backends: to('10.100.1.1') }] }, /reserved/],
    ['backups only', { redirect: undefined, backends: [{ ...to('10.100.1.1')[0], backup: true }] }, /backups only/],
  ])('%s, known before anything is tested', (_, more, reason) => expectAlone(more, reason, 1));

  test('an authority that only looks like one, which nginx names by its file', () => {
    const ca = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    const place = {
      redirect: undefined,
      backends: to('10.100.1.1'),
      protocol: 'https',
      originTls: { verify: 'ca', ca },
    };
    return expectAlone(place, /nginx refuses it: SSL_CTX_load_verify_locations\("ca-/, 2);
  });

  test('a network that only looks like one, which nginx names by file and line', () =>
    expectAlone(
      { ...PROXIED, allow: ['1::2::3/64'] },
      /nginx refuses it: invalid network "1::2::3\/64" in gates\.conf:\d+/,
      2,
    ));

  test('and is whole again with the change that mends it', async () => {
    await expectAlone({ ...PROXIED, allow: ['1::2::3/64'] }, /invalid network/, 2);
    expect(await edge.take(spoiled({ ...PROXIED, allow: ['::/64'] }))).toMatchObject({
      kind: 'applied',
      made: { leftOut: [] },
    });
    expect(await edge.known('bad.test')).toBe(true);
  });

  test.each<[string, (folder: string) => Promise<void>]>([
    ['cut short', (folder) => truncate(join(folder, 'key.pem'), 20)],
    ['gone', (folder) => rm(join(folder, 'fullchain.pem'))],
    ['that of another', async (folder) => writeFile(join(folder, 'key.pem'), (await made('other.test')).key)],
  ])('a certificate whose file is %s: the handshakes of its name fail, until it is replaced', async (_, spoil) => {
    const { certificates } = edge;
    const pair = await made('good-1.test');
    await certificates.write('good-0.test', await made('good-0.test'), 'ordered');
    await certificates.write('good-1.test', pair, 'ordered');
    expect(await edge.shown('good-1.test')).toBeDefined();
    await spoil(join(edge.dir, 'certs/good-1.test'));
    expect(await edge.shown('good-1.test')).toBeUndefined();
    expect(await edge.shown('good-0.test')).toBeDefined();
    expect((await certificates.list()).strange).toEqual([
      { entry: 'good-1.test', reason: 'torn: a file is missing, damaged or does not match' },
    ]);
    await certificates.write('good-1.test', pair, 'relayed');
    expect(await edge.shown('good-1.test')).toBe(new X509Certificate(pair.fullchain).fingerprint256);
    expect((await certificates.list()).strange).toEqual([]);
  });

  test('a certificate that the workers may not read any more: they may again after the next look', async () => {
    await edge.certificates.write('good-2.test', await made('good-2.test'), 'ordered');
    const key = join(edge.dir, 'certs/good-2.test/key.pem');
    await chmod(key, 0o600);
    await edge.certificates.list();
    expect((await stat(key)).mode & 0o777).toBe(0o640);
    expect(await edge.shown('good-2.test')).toBeDefined();
  });

  test('a page of directives is handed out as text, and read by nobody else', async () => {
    const page = 'load_module /tmp/x.so; } $host';
    expect(await edge.take(spoiled({ errorPages: { '404': page } }))).toMatchObject({
      kind: 'applied',
      made: { leftOut: [] },
    });
    const pages = await readdir(join(edge.dir, 'current/pages'));
    expect(pages.filter((name) => !/^\d{3}\.html$/.test(name))).toHaveLength(1);
  });
});

function withPeer(config: EdgeConfig, peer: object): object {
  return { ...config, wireguard: { ...config.wireguard, peers: [...config.wireguard.peers, peer] } };
}

function withPort(config: EdgeConfig, stream: object): object {
  return { ...config, edge: { ...config.edge, streams: [{ backends: to('10.100.1.1'), ...stream }] } };
}
