// Against servers on loopback that misbehave: a wrong clock, a certificate that ends or is of nobody, silence, an answer without end.
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createCertificateMaker } from '../test/certificate-maker.ts';
import { judgeClock, judgeSeen } from './judge-seen.ts';
import { lookAtUrl } from './look-at-url.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((closed) => server.close(closed));
});

async function listen(server: Server): Promise<number> {
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const dated =
  (offMs: number): RequestListener =>
  (_, response) => {
    response.setHeader('date', new Date(Date.now() + offMs).toUTCString());
    response.end('x');
  };
const plain = async (listener: RequestListener) => `http://127.0.0.1:${await listen(createServer(listener))}/healthz`;
const look = (url: string, ca?: string) =>
  lookAtUrl(url, { ...(ca !== undefined && { ca }), signal: AbortSignal.timeout(1_000) });

describe('the clock against a Date header', () => {
  test.each([
    [0, 'ok', /^[01] s from that of 127/],
    [200_000, 'warning', /^(199|200|201) s behind that of 127/],
    [-200_000, 'warning', /^(199|200|201) s ahead of that of 127/],
    [400_000, 'trouble', /^(399|400|401) s behind/],
    [-400_000, 'trouble', /^(399|400|401) s ahead/],
  ])('of a server that is %d ms off: %s', async (offMs, level, found) => {
    const url = await plain(dated(offMs));
    const finding = judgeClock([{ url, seen: await look(url) }]);
    expect(finding.level).toBe(level);
    expect(finding.found).toMatch(found);
  });

  test('of nobody who says a time is unknown, and the next one is asked', async () => {
    const mute = await plain((_, response) => {
      response.sendDate = false;
      response.end();
    });
    const told = await plain(dated(400_000));
    const seen = [{ url: mute, seen: await look(mute) }];
    expect(judgeClock(seen)).toMatchObject({ level: 'warning', found: 'nobody who was asked said what time it is' });
    expect(judgeClock([...seen, { url: told, seen: await look(told) }]).level).toBe('trouble');
  });
});

describe('what stands behind a URL', () => {
  const judged = async (url: string, ca?: string) =>
    judgeSeen({ what: 'it', url, seen: await look(url, ca), level: 'trouble', todo: 'the usual' }, Date.now());

  test('is judged by its certificate', async () => {
    const maker = await createCertificateMaker();
    const served = async (days: number) => {
      const made = await maker.make({ names: ['IP:127.0.0.1'], notAfter: new Date(Date.now() + days * 86_400_000) });
      const tls = createTlsServer({ cert: made.fullchain, key: made.key }, (_, response) => void response.end());
      return `https://127.0.0.1:${await listen(tls)}/`;
    };
    const [long, short] = [await served(90), await served(3)];
    expect(await judged(long, maker.issuer)).toMatchObject({ level: 'ok', found: 'it answers 200' });
    expect(await judged(short, maker.issuer)).toMatchObject({
      level: 'warning',
      found: expect.stringMatching(/ends on 20/),
    });
    expect(await judged(long)).toMatchObject({ level: 'trouble', todo: expect.stringMatching(/^name the CA/) });
    await maker.close();
  });

  test('that is silent, not HTTP, failing or not there is trouble within its time', async () => {
    const sockets = createTcpServer((socket) => void socket.resume());
    const silent = `http://127.0.0.1:${await listen(sockets)}/`;
    const other = `http://127.0.0.1:${await listen(createTcpServer((socket) => void socket.resume().end('220 mail\r\n')))}/`;
    const failing = await plain((_, response) => void response.writeHead(502).end());
    expect(await judged(silent)).toMatchObject({ level: 'trouble', found: 'no answer: no answer in time' });
    expect((await judged(other)).level).toBe('trouble');
    expect(await judged(failing)).toMatchObject({ level: 'trouble', found: 'it answers 502', todo: 'the usual' });
    expect(await judged('https://127.0.0.1:1/')).toMatchObject({ found: 'no answer: ECONNREFUSED' });
    expect((await judged('no url')).level).toBe('trouble');
  });

  test('does not fill memory with an answer that never ends', async () => {
    const url = await plain((_, response) => {
      response.writeHead(200);
      const more = setInterval(() => response.write('x'.repeat(65_536)), 1);
      response.on('close', () => clearInterval(more));
    });
    expect(await judged(url)).toMatchObject({ level: 'ok' });
  });
});
