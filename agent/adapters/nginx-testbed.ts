// For tests: a real nginx on loopback with an origin behind it, in a directory of its own. Everything ends with `close`.
import { chmod, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { certificateFolder } from '../../bundle/certificate-name.ts';
import type { EdgeConfig, EdgePart, WireRoute } from '../../bundle/config.ts';
import { renderNginx } from '../core/render-nginx.ts';
import type { NginxSettings } from '../core/settings-view.ts';
import { workerAccount } from './accounts.ts';
import { createNginx } from './nginx.ts';
import { loadTemplates } from './templates.ts';

export const THUMBPRINTS = { one: 'A'.repeat(43), two: 'b'.repeat(43) };
const ASK_TIMEOUT_MS = 5_000;

export interface Ask {
  host: string;
  /** Default: the host. Empty: none is sent. */
  sni?: string;
  path?: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** With Transfer-Encoding instead of Content-Length. */
  chunked?: boolean;
}

export interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  body: string;
}

export type Testbed = Awaited<ReturnType<typeof openTestbed>>;

/** `patienceMs`: how long a burst of changes waits for old workers. `node`: of the edge; its certificates are one's. */
export async function openTestbed({ patienceMs, node = 'one' }: { patienceMs?: number; node?: string } = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'kokoa-nginx-'));
  // The workers run as another user and read certificates below it.
  await chmod(dir, 0o711);
  await makeCertificate(dir);
  const [httpPort, httpsPort, originPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const origin = await startOrigin(originPort);
  const templates = await loadTemplates();
  const worker = process.getuid?.() === 0 ? await workerAccount() : undefined;
  const web = createNginx({
    ...{ binary: '/usr/sbin/nginx', stateDir: dir },
    ...(worker && { gid: worker.gid }),
    ...(patienceMs !== undefined && { patienceMs }),
  });

  const settings = (releaseId: string): NginxSettings => ({
    stateDir: dir,
    releaseId,
    listen: { addresses: ['127.0.0.1', '::1'], httpPort, httpsPort },
    ...(process.getuid?.() === 0 && { user: { account: 'www-data', group: 'www-data' } }),
    workerProcesses: 1,
    workerConnections: 512,
  });

  return {
    dir,
    web,
    httpPort,
    httpsPort,
    originPort,
    caFile: join(dir, 'testbed.pem'),

    /** A route to the testbed's own origin. */
    route(hostname: string, more: Partial<WireRoute> = {}): WireRoute {
      const backends = [{ address: '127.0.0.1', port: originPort }];
      return { hostname, backends, limits: { maxBodyBytes: 1024 * 1024 }, orderer: 'one', ...more };
    },

    /** Renders and writes a release; answers its folder. */
    async write(releaseId: string, routes: WireRoute[], edge: Partial<EdgePart> = {}): Promise<string> {
      const config = edgeConfig();
      const files = renderNginx({
        config: { ...config, node, edge: { ...config.edge, ...edge } },
        chunks: [{ routes }],
        features: await web.features(),
        settings: settings(releaseId),
        templates,
      });
      const folder = join(dir, 'releases', releaseId);
      for (const [name, text] of files) {
        await mkdir(dirname(join(folder, name)), { recursive: true });
        await writeFile(join(folder, name), text);
      }
      return folder;
    },

    async swap(releaseId: string): Promise<void> {
      await symlink(`releases/${releaseId}`, join(dir, 'next'));
      await rename(join(dir, 'next'), join(dir, 'current'));
    },

    async certify(hostname: string): Promise<void> {
      const folder = join(dir, 'certs', certificateFolder(hostname));
      await mkdir(folder, { recursive: true });
      for (const name of ['fullchain.pem', 'key.pem']) {
        await symlink(join(dir, name === 'key.pem' ? 'testbed.key' : 'testbed.pem'), join(folder, name)).catch(
          () => undefined,
        );
      }
    },

    https: (ask: Ask) =>
      answer(
        httpsRequest({
          ...requestOptions(ask, httpsPort),
          servername: ask.sni ?? ask.host,
          rejectUnauthorized: false,
          agent: false,
        }),
        ask,
      ),

    http: (ask: Ask) => answer(httpRequest({ ...requestOptions(ask, httpPort), agent: false }), ask),

    async close(): Promise<void> {
      await web.stop();
      origin.closeAllConnections();
      await new Promise((resolve) => origin.close(resolve));
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export function edgeConfig(): EdgeConfig {
  const member = { recipient: 'age1', signingKey: 'key' };
  return {
    format: 1,
    role: 'edge',
    node: 'one',
    network: { wireguard: '10.100.0.0/16' },
    wireguard: { address: '10.100.0.1', peers: [] },
    controlPlane: { urls: [] },
    edge: {
      pool: 'default',
      members: [
        { node: 'one', acmeThumbprint: THUMBPRINTS.one, ...member },
        { node: 'two', acmeThumbprint: THUMBPRINTS.two, ...member },
        { node: 'three', ...member },
      ],
      acme: { server: 'https://ca.example/directory' },
      chunks: [],
    },
  };
}

function requestOptions({ host, path = '/', method = 'GET', headers = {} }: Ask, port: number) {
  return { host: '127.0.0.1', port, path, method, headers: { host, ...headers }, timeout: ASK_TIMEOUT_MS };
}

/** Rejects with the connection's error code when there was no answer. */
function answer(request: ReturnType<typeof httpRequest>, { body, chunked }: Ask): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request.on('timeout', () => request.destroy(new Error('timeout')));
    request.on('error', reject);
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body: text }));
    });
    if (body !== undefined && chunked) request.write(body);
    request.end(chunked ? undefined : body);
  });
}

/** Tells what arrived; streams events; echoes what is upgraded. */
async function startOrigin(port: number): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: first\n\n');
      request.socket.on('close', () => response.end());
      return;
    }
    let bytes = 0;
    request.on('data', (part: Buffer) => {
      bytes += part.length;
    });
    request.on('end', () => {
      const steer: Record<string, string> = request.url === '/steer' ? { 'x-accel-redirect': '/elsewhere' } : {};
      response.writeHead(request.url === '/missing' ? 404 : 200, { 'content-type': 'application/json', ...steer });
      response.end(
        JSON.stringify({ url: request.url, bytes, headers: request.headers, rawHeaders: request.rawHeaders }),
      );
    });
  });
  server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return server;
}

/** One self-signed certificate for all names of the tests; it is its own authority. */
async function makeCertificate(dir: string): Promise<void> {
  const names = ['app.hoge.test', 'wiki.fuga.test', 'limited.hoge.test', '*.wild.test'];
  await execa('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'],
    ...['-keyout', join(dir, 'testbed.key'), '-out', join(dir, 'testbed.pem'), '-subj', '/CN=kokoa testbed'],
    ...['-addext', `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`],
  ]);
  await chmod(join(dir, 'testbed.key'), 0o644);
}

/** Free on every address, of IPv4 and IPv6: the web server listens on both. */
export async function freePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '::', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
