// The certificate that nginx shows against the one that is held: a real nginx, real files, and a clock of the test between the looks.
import { chmod, readlink } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { createSecureContext, TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { judgeCertificate } from '../bundle/certificate.ts';
import { type CertificateMaker, createCertificateMaker } from '../test/certificate-maker.ts';
import { workerAccount } from './adapters/accounts.ts';
import { createCertsDir } from './adapters/certs-dir.ts';
import { shownCertificate } from './adapters/handshake.ts';
import { openTestbed, type Testbed } from './adapters/nginx-testbed.ts';
import { createOwnWebServer } from './adapters/own-web-server.ts';
import { type CertificateShelf, createCertificateShelf } from './certificate-shelf.ts';
import { createServedCheck, type ServedCheck } from './certificates-served.ts';
import { until } from './pool.fixture.ts';

const HOST = 'app.hoge.test';
let maker: CertificateMaker;
let bed: Testbed;
let shelf: CertificateShelf;
let stop: AbortController;
let ended: Promise<void>;
let check: ServedCheck;
let looks: string[];
/** ms of a clock that nobody sets. */
let upMs = 0;
const log: string[] = [];

beforeAll(async () => {
  maker = await createCertificateMaker();
  bed = await openTestbed();
  const gid = process.getuid?.() === 0 ? (await workerAccount()).gid : undefined;
  shelf = createCertificateShelf(createCertsDir({ dir: join(bed.dir, 'certs'), ...(gid !== undefined && { gid }) }));
  await put('1');
  await bed.write('one', [bed.route(HOST)]);
  await bed.swap('one');
  await bed.web.reload();
  await until('nginx serves it', async () => (await bed.web.serving()) === 'one');

  const web = createOwnWebServer({
    listen: { addresses: ['0.0.0.0'], httpsPort: bed.httpsPort },
    httpsSocket: join(bed.dir, 'none'),
  });
  looks = [];
  check = createServedCheck({
    view: () => ({
      config: { node: 'me' } as never,
      certificates: new Map([[HOST, 'me']]),
      servedBy: new Map([[HOST, HOST]]),
    }),
    shelf,
    async shown(name) {
      const seen = await web.shown(name);
      looks.push(seen.kind === 'certificate' ? seen.fingerprint256 : seen.kind);
      return seen;
    },
    log: {
      info: (_, message) => log.push(message),
      warn: (fields, message) => log.push(`${message} ${JSON.stringify(fields)}`),
    },
    now: Date.now,
    monotonicMs: () => upMs,
  });
  stop = new AbortController();
  ended = check.run(stop.signal);
});

afterAll(async () => {
  stop.abort();
  await ended;
  await bed.close();
  await maker.close();
});

/** Another certificate is held; what nginx reads is its folder, as on an edge. */
async function put(serial: string): Promise<string> {
  const { fullchain, key } = await maker.make({ names: [`DNS:${HOST}`, `DNS:v${serial}.hoge.test`] });
  const verdict = judgeCertificate({ fullchain, key, hostname: HOST, now: Date.now() });
  if (!verdict.ok) throw new Error(verdict.detail);
  await shelf.put(HOST, verdict, 'ordered');
  return verdict.fingerprint256;
}

/** Time passes until the next look, and it looks. */
async function look(seconds: number): Promise<string> {
  const before = looks.length;
  upMs += seconds * 1000;
  check.stored('nobody.hoge.test');
  await until('it has looked', () => looks.length > before);
  return looks.at(-1)!;
}

test('what is held is served: the fingerprints agree, and nothing is said', async () => {
  const held = shelf.get(HOST)!.fingerprint256;
  expect(await look(60)).toBe(held);
  const newer = await put('2');
  check.stored(HOST);
  expect(await look(2)).toBe(newer);
  expect([...check.differences()]).toEqual([]);
  expect(log).toEqual([]);
});

test('another one that stays is named with both fingerprints, said once, and over when it is right again', async () => {
  const served = shelf.get(HOST)!.fingerprint256;
  // Held, as the agent believes, and not what nginx reads.
  const elsewhere = createCertificateShelf(createCertsDir({ dir: join(bed.dir, 'elsewhere') }));
  const { fullchain, key } = await maker.make({ names: [`DNS:${HOST}`] });
  const held = {
    ok: true,
    fullchain,
    key,
    notBefore: 0,
    notAfter: Date.now() + 1e9,
    fingerprint256: 'c'.repeat(64),
  } as const;
  await elsewhere.put(HOST, held, 'ordered');
  const { get } = shelf;
  shelf.get = elsewhere.get;
  check.stored(HOST);
  for (const seconds of [2, 15]) await look(seconds);
  expect([...check.differences()]).toEqual([]);
  for (const seconds of [30, 60, 60]) await look(seconds);
  const difference = `another certificate is served: sha256 ${served}, held is ${'c'.repeat(64)}`;
  expect([...check.differences()]).toEqual([[HOST, difference]]);
  expect(log).toEqual([expect.stringContaining(difference)]);
  shelf.get = get;
  await look(60);
  await until('it is over', () => check.differences().size === 0);
  expect(log.at(-1)).toBe('the certificate that is held is served again');
});

test('a key that the workers cannot read is a handshake that is refused', async () => {
  await put('3');
  const key = join(bed.dir, 'certs', await readlink(join(bed.dir, 'certs', HOST)), 'key.pem');
  await chmod(key, 0o000);
  check.stored(HOST);
  for (const seconds of [2, 15, 30, 60]) expect(await look(seconds)).toBe('refused');
  expect(check.differences().get(HOST)).toMatch(
    /^its handshake is refused \(ERR_SSL_[A-Z0-9_]+\), held is sha256 [0-9a-f]{64}$/,
  );
  await chmod(key, 0o640);
  await look(60);
  await until('it is over', () => check.differences().size === 0);
});

test('a name that nobody serves is refused, and a port where nobody listens says nothing', async () => {
  const shown = (port: number, servername: string) => shownCertificate({ address: '127.0.0.1', port, servername });
  expect(await shown(bed.httpsPort, 'nobody.hoge.test')).toMatchObject({ kind: 'refused' });
  expect(await shown(bed.httpPort, HOST)).toEqual({ kind: 'unknown' });
  expect(await shown(1, HOST)).toEqual({ kind: 'unknown' });
});

test('behind a load balancer the inner socket is asked, with the PROXY header that it wants', async () => {
  const { fullchain, key } = await maker.make({ names: [`DNS:${HOST}`] });
  const path = join(bed.dir, 'inner.sock');
  const headers: string[] = [];
  const server: Server = createServer((socket) => {
    socket.once('readable', () => {
      const header = String(socket.read('PROXY UNKNOWN\r\n'.length));
      headers.push(header);
      const secured = new TLSSocket(socket, {
        isServer: true,
        secureContext: createSecureContext({ cert: fullchain, key }),
      });
      secured.on('error', () => secured.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const web = createOwnWebServer({ listen: { addresses: ['127.0.0.1'], httpsPort: 1 }, httpsSocket: path });
  expect(await web.shown(HOST)).toMatchObject({ kind: 'certificate' });
  expect(headers).toEqual(['PROXY UNKNOWN\r\n']);
  await new Promise((resolve) => server.close(resolve));
});
