// TLS that passes through by its name, beside hosts that the edge serves itself; and a load balancer in front of all of it.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connectHttp2 } from './clients/http2-visit.ts';
import { openTcp, openTls } from './clients/layer-4-visit.ts';
import { requestHead, seenBy, visit } from './clients/raw-visit.ts';
import { kokoaYaml } from './fleet-data.ts';
import { portFreeOn } from './loopback-place.ts';
import { type OneEdge, startOneEdge } from './one-edge.ts';
import { type EchoOrigin, startEcho } from './origins/echo-origin.ts';
import { refusingPort } from './origins/faulty-origin.ts';
import { type Layer4Origin, startTcp, startTls } from './origins/layer-4-origin.ts';
import { withText } from './tree.ts';

const FROM = '127.7.0.1';
const BALANCER = '127.3.0.1';
/** What a load balancer says of its visitor, PROXY protocol version 1. */
const HEADER = 'PROXY TCP4 203.0.113.9 198.51.100.1 4000 443\r\n';

let edge: OneEdge;
let mail: Layer4Origin;
let post: Layer4Origin;
let told: Layer4Origin;
let home: EchoOrigin;
let port: number;
const open: Pick<Layer4Origin, 'end'>[] = [];

beforeAll(async () => {
  edge = await startOneEdge();
  const names = [
    'mail.hoge.com',
    'told.hoge.com',
    'shut.hoge.com',
    'spare.hoge.com',
    'same.hoge.com',
    '*.w.hoge.com',
    '*.x.hoge.com',
  ];
  const certificate = await edge.pki.certificate(names);
  mail = await startTls(edge.origins.office, 'mail', certificate);
  post = await startTls(edge.origins.nas, 'post', certificate);
  told = await startTls(edge.origins.nas, 'told', certificate, { headed: true });
  home = await startEcho(edge.origins.home);
  port = await portFreeOn([edge.address, '::1']);
  open.push(mail, post, told, home);
});
afterAll(async () => {
  await edge?.end();
  await Promise.all(open.map((origin) => origin.end()));
});
beforeEach(() => {
  told.clear();
  home.clear();
});

/** A pool with these lines; the same routes. */
async function publish(pool: readonly string[], more: Readonly<Record<string, string>> = {}, now = new Date()) {
  const toMail = `origin: office\nport: ${mail.port}\n`;
  const toHome = `origin: home\nport: ${home.port}\n`;
  const passing = pool.includes('tlsPassthrough: true');
  const files: Record<string, string> = {
    app: `hostname: app.hoge.com\n${toHome}`,
    own: `hostname: own.w.hoge.com\n${toHome}`,
    ...(passing && {
      mail: `hostname: mail.hoge.com\nprotocol: tls\nproxyProtocol: false\n${toMail}`,
      told: `hostname: told.hoge.com\nprotocol: tls\nproxyProtocol: true\norigin: nas\nport: ${told.port}\nallow: [127.7.0.0/16, '::1', 203.0.113.0/24]\n`,
      shut: `hostname: shut.hoge.com\nprotocol: tls\nproxyProtocol: false\n${toMail}allow: [127.7.0.0/16]\ndeny: [127.7.6.6]\n`,
      wild: `hostname: '*.w.hoge.com'\nprotocol: tls\nproxyProtocol: false\n${toMail}`,
      spare: `hostname: spare.hoge.com\nprotocol: tls\nproxyProtocol: false\nbackends:\n  - {origin: nas, port: ${await refusingPort(edge.origins.nas)}}\n  - {origin: office, port: ${mail.port}, backup: true}\n`,
      same: `hostname: same.hoge.com\nprotocol: tls\nproxyProtocol: false\nsticky: true\nbackends:\n  - {origin: office, port: ${mail.port}}\n  - {origin: nas, port: ${post.port}}\n`,
      star: `hostname: '*.x.hoge.com'\n${toHome}`,
      inside: `hostname: mail.x.hoge.com\nprotocol: tls\nproxyProtocol: false\n${toMail}`,
      brief: `hostname: brief.hoge.com\nprotocol: tls\nproxyProtocol: false\n${toMail}expiresAt: 2030-03-31T18:00Z\n`,
    }),
    ...more,
  };
  const routes = Object.entries(files).map(([name, text]) => [`routes/hoge/${name}.yaml`, text]);
  const kokoa = kokoaYaml(edge.prefix, { pool, ports: [port] });
  await edge.publish({ 'kokoa.yaml': kokoa, ...Object.fromEntries(routes) }, { now });
}

/** What the service behind a name answers; undefined: the connection ends. */
async function answer(sni: string, from = FROM, before = ''): Promise<string | undefined> {
  const connection = await openTls(edge, { sni, from, before });
  const heard = await connection?.say('hello');
  connection?.end();
  return heard;
}

describe('with tlsPassthrough', () => {
  beforeAll(() => publish(['tlsPassthrough: true']));

  test.each([
    ['mail.hoge.com', FROM, 'mail: hello'],
    ['mail.hoge.com', '::1', 'mail: hello'],
    ['MAIL.Hoge.com', FROM, 'mail: hello'],
    ['mail.hoge.com.', FROM, 'mail: hello'],
    ['a.w.hoge.com.', FROM, 'mail: hello'],
    ['spare.hoge.com', FROM, 'mail: hello'],
    ['told.hoge.com', FROM, 'told: hello'],
    ['told.hoge.com', '127.8.0.1', undefined],
    ['shut.hoge.com', FROM, 'mail: hello'],
    ['shut.hoge.com', '127.7.6.6', undefined],
    ['shut.hoge.com', '127.8.0.1', undefined],
    ['shut.hoge.com', '::1', undefined],
    // A star stands for one label, and a full name comes before it, whatever it speaks.
    ['a.w.hoge.com', FROM, 'mail: hello'],
    ['mail.x.hoge.com', FROM, 'mail: hello'],
    ['a.b.w.hoge.com', FROM, undefined],
    ['w.hoge.com', FROM, undefined],
    ['nobody.hoge.com', FROM, undefined],
    ['', FROM, undefined],
  ])('the name %s from %s meets %s, with a certificate of its own', async (sni, from, heard) => {
    expect(await answer(sni, from)).toBe(heard);
  });

  test.each([
    [FROM, () => `PROXY TCP4 ${FROM} ${edge.address} PORT ${edge.httpsPort}`],
    ['::1', () => `PROXY TCP6 ::1 ::1 PORT ${edge.httpsPort}`],
  ])('with proxyProtocol the service is told that %s comes', async (from, line) => {
    expect(await answer('told.hoge.com', from)).toBe('told: hello');
    expect(told.heard().map((one) => one.replace(/ \d+ (?=\d+$)/, ' PORT '))).toEqual([line()]);
  });

  test('with sticky an address stays with its backend, and many spread', async () => {
    const found = new Set<string>();
    for (let count = 0; count < 20; count += 1) {
      const from = `127.7.${count}.1`;
      const heard = await answer('same.hoge.com', from);
      expect(await answer('same.hoge.com', from)).toBe(heard);
      found.add(heard!);
    }
    expect(found).toEqual(new Set(['mail: hello', 'post: hello']));
  });

  test.each(['app.hoge.com', 'own.w.hoge.com', 'a.x.hoge.com'])(
    '%s is served by the edge beside it, by HTTP/1.1 and HTTP/2, and sees its visitor',
    async (host) => {
      const seen = seenBy(await visit(edge, { host, from: FROM }));
      expect(seen.headers).toMatchObject({ host, 'x-forwarded-for': FROM, 'x-forwarded-port': String(edge.httpsPort) });
      const connection = await connectHttp2(edge, { sni: host, from: FROM });
      expect(seenBy(await connection.ask({ host })).headers['x-forwarded-for']).toBe(FROM);
      // A name that passes through is not to be had by another one's connection.
      expect((await connection.ask({ host: 'mail.hoge.com' })).status).toBe(404);
      connection.end();
    },
  );

  test('a visitor of the edge cannot say who he is by PROXY protocol', async () => {
    const connection = await openTls(edge, { sni: 'app.hoge.com', from: FROM, before: HEADER });
    expect(connection).toBeUndefined();
    expect(home.seen).toEqual([]);
  });

  test('by plain HTTP such a name is sent on to HTTPS, and nobody here proves it', async () => {
    const redirected = await visit(edge, { host: 'mail.hoge.com', plain: true, path: '/x' });
    expect([redirected.status, redirected.headers.location]).toEqual([
      308,
      `https://mail.hoge.com:${edge.httpsPort}/x`,
    ]);
    const challenge = await visit(edge, {
      host: 'mail.hoge.com',
      plain: true,
      path: '/.well-known/acme-challenge/abc',
    });
    expect(challenge.status).toBe(404);
  });

  test('a visitor who begins no handshake is sent away', async () => {
    const hasty = withText(edge.tree(), 'preread_timeout 15s;', 'preread_timeout 1s;');
    expect(await edge.publishTree(hasty)).toEqual({ ok: true });
    const connection = await openTcp(edge, edge.httpsPort, FROM);
    expect(await connection.hear()).toBeUndefined();
  });

  test('after expiresAt the handshake fails', async () => {
    await publish(['tlsPassthrough: true'], {}, new Date('2030-03-31T17:59:59Z'));
    expect(await rawHandshake('brief.hoge.com')).toBe('certificate');
    await publish(['tlsPassthrough: true'], {}, new Date('2030-03-31T18:00:00Z'));
    expect(await rawHandshake('brief.hoge.com')).toBe('nothing');
    expect(await answer('mail.hoge.com')).toBe('mail: hello');
  });
});

describe.each([
  ['alone', []],
  ['before names that pass through', ['tlsPassthrough: true']],
])('behind a load balancer, %s', (_title, pool) => {
  const routes = () => ({
    tcp: `protocol: tcp\npublicPort: ${port}\nproxyProtocol: true\norigin: home\nport: ${one.port}\ndeny: [203.0.113.66]\n`,
    limited: `hostname: limited.hoge.com\norigin: home\nport: ${home.port}\nallow: [203.0.113.0/24]\n`,
  });
  let one: Layer4Origin;
  beforeAll(async () => {
    one = await startTcp(edge.origins.home, 'one', { headed: true });
    open.push(one);
    await publish([...pool, `proxyProtocolFrom: [${BALANCER}/32]`], routes());
  });

  test.each(['app.hoge.com', 'limited.hoge.com'])('the visitor of %s is whom it names', async (host) => {
    const connection = await openTls(edge, { sni: host, from: BALANCER, before: HEADER });
    expect(await connection?.say(requestHead({ host }))).toMatch(/^HTTP\/1\.1 200 OK/);
    connection?.end();
    expect(home.seen[0]!.headers).toMatchObject({ 'x-forwarded-for': '203.0.113.9', 'x-real-ip': '203.0.113.9' });
  });

  test('a public port too, and the service is told so', async () => {
    const connection = await openTcp(edge, port, BALANCER, HEADER);
    expect(await connection.say('hello')).toBe('one: hello');
    connection.end();
    expect(one.heard()[0]).toMatch(/^PROXY TCP4 203\.0\.113\.9 [0-9.]+ 4000 \d+$/);
    const denied = await openTcp(edge, port, BALANCER, HEADER.replace('113.9', '113.66'));
    expect(await denied.say('hello')).toBeUndefined();
  });

  test.each(pool.length > 0 ? ['told.hoge.com'] : [])('so is the service of %s told', async (name) => {
    expect(await answer(name, BALANCER, HEADER)).toBe('told: hello');
    expect(told.heard()[0]).toMatch(/^PROXY TCP4 203\.0\.113\.9 /);
  });

  test.each([
    ['with a header', HEADER],
    ['without one', ''],
  ])('whoever comes past it meets nobody, %s', async (_how, before) => {
    one.clear();
    const connection = await openTls(edge, { sni: 'app.hoge.com', from: FROM, before });
    expect(await connection?.say(requestHead({ host: 'app.hoge.com' }))).toBeUndefined();
    const direct = await openTcp(edge, port, FROM, before);
    expect(await direct.say('hello').catch(() => undefined)).toBeUndefined();
    expect(await plainAnswer(before)).toBe('');
    expect([home.seen, one.heard(), told.heard()]).toEqual([[], [], []]);
  });
});

/** To port 80 from a stranger's address; everything that comes back. */
async function plainAnswer(before: string): Promise<string> {
  const connection = await openTcp({ ...edge }, edge.httpPort, FROM, before);
  return (await connection.say(requestHead({ host: 'app.hoge.com' }))) ?? '';
}

/** Whether anybody shows a certificate, whatever is in it. */
async function rawHandshake(sni: string): Promise<'certificate' | 'nothing'> {
  const connection = await openTls(edge, { sni, from: FROM, anyCertificate: true });
  connection?.end();
  return connection === undefined ? 'nothing' : 'certificate';
}
