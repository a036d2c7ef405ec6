// Layer 4 by a real nginx: public ports, TLS that passes through, and a load balancer in front.
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer, connect as secure, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { WireBackend } from '../../bundle/config.ts';
import { probeHost } from './edge-probe.ts';
import { freePort, openTestbed, type Testbed } from './nginx-testbed.ts';
import { createOwnWebServer } from './own-web-server.ts';

let bed: Testbed;
const opened: { close(): unknown }[] = [];
/** What each origin received first, by its name. */
const heard = new Map<string, string[]>();

beforeAll(async () => {
  bed = await openTestbed();
  for (const hostname of ['app.hoge.test', '*.wild.test']) await bed.certify(hostname);
});
afterAll(async () => {
  for (const one of opened) one.close();
  await bed.close();
});

/** Says its name to whoever connects and says something, and remembers what that was. */
async function tcpOrigin(name: string): Promise<WireBackend> {
  heard.set(name, []);
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (data) => {
      heard.get(name)!.push(data.toString('latin1'));
      socket.end(`I am ${name}\n`);
    });
  });
  return listening(server);
}

/** A service with a certificate of its own; `headed`: it expects a PROXY header. */
async function tlsOrigin(name: string, headed = false): Promise<WireBackend> {
  heard.set(name, []);
  const key = readFileSync(join(bed.dir, 'testbed.key'));
  const cert = readFileSync(join(bed.dir, 'testbed.pem'));
  const tls = createTlsServer({ key, cert }, (socket) => {
    socket.on('error', () => undefined);
    socket.end(`I am ${name}\n`);
  });
  if (!headed) return listening(tls);
  const front = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('readable', () => {
      const first = (socket.read() as Buffer).toString('latin1');
      const end = first.indexOf('\r\n') + 2;
      heard.get(name)!.push(first.slice(0, end - 2));
      socket.unshift(Buffer.from(first.slice(end), 'latin1'));
      tls.emit('connection', socket);
    });
  });
  return listening(front);
}

async function listening(server: Server): Promise<WireBackend> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push(server);
  return { address: '127.0.0.1', port: (server.address() as { port: number }).port };
}

async function serve(release: string, ...args: [Parameters<Testbed['write']>[1], Parameters<Testbed['write']>[2]]) {
  const folder = await bed.write(release, ...args);
  expect(await bed.web.test(folder)).toMatchObject({ ok: true });
  await bed.swap(release);
  await bed.web.reload();
}

/** What came back until the end; '' when the connection was closed without a word. */
function said(socket: Socket | TLSSocket): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.setTimeout(3_000, () => socket.destroy());
    socket.on('data', (data) => {
      text += data.toString('latin1');
    });
    socket.on('error', () => resolve(text));
    socket.on('close', () => resolve(text));
  });
}

function tcp(port: number, from = '127.0.0.1', words = 'hello\n'): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: from }, () => socket.write(words));
  return said(socket);
}

function tls(servername: string, from = '127.0.0.1', words = '', header = ''): Promise<string> {
  const raw = connect({ host: '127.0.0.1', port: bed.httpsPort, localAddress: from });
  if (header !== '') raw.write(header);
  const socket = secure({ socket: raw, servername, rejectUnauthorized: false }, () => socket.write(words));
  raw.on('error', () => socket.destroy());
  return said(socket);
}

function request(host: string): string {
  return `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
}

test('without layer 4 nothing of it stands in the tree', async () => {
  const folder = await bed.write('none', [bed.route('app.hoge.test')]);
  expect(readFileSync(join(folder, 'nginx.conf'), 'utf8')).not.toMatch(/\/streams\.conf|load_module/);
});

describe('public ports', () => {
  const ports = { plain: 0, told: 0, few: 0, udp: 0, spare: 0 };

  beforeAll(async () => {
    for (const name of Object.keys(ports) as (keyof typeof ports)[]) ports[name] = await freePort();
    const [one, two, headed] = [await tcpOrigin('one'), await tcpOrigin('two'), await tcpOrigin('headed')];
    const echo = createSocket('udp4', (data, { address, port }) => echo.send(`you said ${data}`, port, address));
    await new Promise<void>((resolve) => echo.bind(0, '127.0.0.1', resolve));
    opened.push(echo);
    const dead = { address: '127.0.0.1', port: await freePort() };
    await serve('ports', [bed.route('app.hoge.test')], {
      streams: [
        { protocol: 'tcp', port: ports.plain, backends: [one], allow: ['127.0.0.0/29'], deny: ['127.0.0.3/32'] },
        { protocol: 'tcp', port: ports.told, backends: [headed], proxyProtocol: true },
        { protocol: 'tcp', port: ports.few, backends: [two], connections: 1 },
        { protocol: 'tcp', port: ports.spare, backends: [dead, { ...two, backup: true }] },
        { protocol: 'udp', port: ports.udp, backends: [{ address: '127.0.0.1', port: echo.address().port }] },
      ],
    });
  });

  test('a connection arrives as it is, and HTTP goes on beside it', async () => {
    expect(await tcp(ports.plain)).toBe('I am one\n');
    expect(heard.get('one')).toEqual(['hello\n']);
    expect((await bed.https({ host: 'app.hoge.test' })).status).toBe(200);
  });

  test('with PROXY protocol the service is told the visitor', async () => {
    expect(await tcp(ports.told, '127.0.0.7')).toBe('I am headed\n');
    expect(heard.get('headed')![0]).toMatch(/^PROXY TCP4 127\.0\.0\.7 127\.0\.0\.1 \d+ \d+\r\n/);
  });

  test.each([
    ['127.0.0.2', 'allowed', 'I am one\n'],
    ['127.0.0.3', 'allowed and denied', ''],
    ['127.0.0.9', 'not allowed', ''],
  ])('%s is %s', async (from, _title, answer) => {
    expect(await tcp(ports.plain, from)).toBe(answer);
  });

  test('one address gets as many connections as the limit says', async () => {
    const held = connect({ host: '127.0.0.1', port: ports.few, localAddress: '127.0.0.4' });
    await new Promise((resolve) => held.once('connect', resolve));
    await expect.poll(() => tcp(ports.few, '127.0.0.4')).toBe('');
    expect(await tcp(ports.few, '127.0.0.5')).toBe('I am two\n');
    held.destroy();
    await expect.poll(() => tcp(ports.few, '127.0.0.4')).toBe('I am two\n');
  });

  test('a backup answers when the first backend is dead', async () => {
    expect(await tcp(ports.spare)).toBe('I am two\n');
  });

  test('datagrams go there and back', async () => {
    const socket = createSocket('udp4');
    opened.push(socket);
    const answer = new Promise<string>((resolve) => socket.once('message', (data) => resolve(data.toString())));
    socket.send('hi', ports.udp, '127.0.0.1');
    expect(await answer).toBe('you said hi');
  });
});

describe('TLS that passes through', () => {
  beforeAll(async () => {
    const [own, headed] = [await tlsOrigin('own'), await tlsOrigin('told', true)];
    const passing = { protocol: 'tls', orderer: undefined } as const;
    await serve(
      'passing',
      [
        bed.route('app.hoge.test'),
        bed.route('app.wild.test'),
        bed.route('*.wild.test', { ...passing, backends: [own], deny: ['127.0.0.8/32'] }),
        bed.route('told.hoge.test', { ...passing, backends: [headed], proxyProtocol: true, allow: ['127.0.0.6/32'] }),
        bed.route('over.hoge.test', { ...passing, backends: [], closed: 'expired' }),
      ],
      { tlsPassthrough: true },
    );
    await bed.certify('app.wild.test');
  });

  test.each([
    ['mail.wild.test', '127.0.0.1', 'I am own\n'],
    ['MAIL.wild.test', '127.0.0.1', 'I am own\n'],
    ['mail.wild.test', '127.0.0.8', ''],
    ['told.hoge.test', '127.0.0.6', 'I am told\n'],
    ['told.hoge.test', '127.0.0.5', ''],
    ['over.hoge.test', '127.0.0.1', ''],
    ['a.b.wild.test', '127.0.0.1', ''],
    ['stranger.test', '127.0.0.1', ''],
  ])('the name %s from %s', async (name, from, answer) => {
    expect(await tls(name, from)).toBe(answer);
  });

  test('with PROXY protocol the service is told the visitor, in a header that parsers take', async () => {
    heard.set('told', []);
    await tls('told.hoge.test', '127.0.0.6');
    expect(heard.get('told')![0]).toMatch(/^PROXY TCP4 127\.0\.0\.6 127\.0\.0\.1 \d+ \d+$/);
  });

  test.each(['app.hoge.test', 'app.wild.test'])('%s is an HTTP route beside it, and sees the visitor', async (host) => {
    const answer = await tls(host, '127.0.0.9', request(host));
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(answer).toContain('"x-forwarded-for":"127.0.0.9"');
  });

  test('plain HTTP of such a name is sent on to HTTPS, and its certificate is ordered by nobody', async () => {
    const redirect = await bed.http({ host: 'mail.wild.test' });
    expect(redirect.status).toBe(308);
    const challenge = await bed.http({ host: 'told.hoge.test', path: '/.well-known/acme-challenge/abc' });
    expect(challenge.status).toBe(404);
  });
});

describe('behind a load balancer', () => {
  const port = { tcp: 0 };

  beforeAll(async () => {
    port.tcp = await freePort();
    await serve('balanced', [bed.route('app.hoge.test')], {
      proxyProtocolFrom: ['127.0.0.2/32'],
      streams: [{ protocol: 'tcp', port: port.tcp, backends: [await tcpOrigin('balanced')], proxyProtocol: true }],
    });
  });

  const header = 'PROXY TCP4 203.0.113.9 198.51.100.1 4000 443\r\n';

  test('the visitor is whom the balancer names', async () => {
    const answer = await tls('app.hoge.test', '127.0.0.2', request('app.hoge.test'), header);
    expect(answer).toContain('"x-forwarded-for":"203.0.113.9"');
    expect(await tcp(port.tcp, '127.0.0.2', `${header}hello\n`)).toBe('I am balanced\n');
    expect(heard.get('balanced')![0]).toMatch(/^PROXY TCP4 203\.0\.113\.9 /);
  });

  test.each([
    ['with a header', header],
    ['without one', ''],
  ])('whoever comes past it is told nothing, %s', async (_title, forged) => {
    expect(await tls('app.hoge.test', '127.0.0.1', request('app.hoge.test'), forged)).toBe('');
    expect(await tcp(port.tcp, '127.0.0.1', `${forged}hello\n`)).toBe('');
  });

  test('the edge itself looks at its hosts through the socket', async () => {
    const probe = { hostname: 'app.hoge.test', address: '127.0.0.1', port: bed.httpsPort };
    expect(await probeHost(probe)).toMatchObject({ ok: false });
    const httpsSocket = join(bed.dir, 'run/inner/https.sock');
    expect(await probeHost({ ...probe, socket: httpsSocket })).toMatchObject({ ok: true, status: 200 });
    const own = createOwnWebServer({ listen: { addresses: ['0.0.0.0'], httpsPort: bed.httpsPort }, httpsSocket });
    expect(await own.visit('app.hoge.test')).toEqual({ status: 200 });
    expect(await own.look('app.hoge.test', 1_000)).toEqual({ kind: 'answer', status: 200 });
    expect(await own.visit('unknown.hoge.test')).toEqual({ failure: expect.stringMatching(/^handshake_refused: /) });
  });
});
