// For tests of the built agent: the file in a directory of its own with nothing around it, and a control plane on loopback that
// signs for real. Everything ends with `close`.
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { rolldown } from 'rolldown';
import { BUNDLE_MEDIA_TYPE, PUBLIC_ROOT_PATH, type StatusReport } from '../bundle/api.ts';
import { canonicalJson, sha256Hex } from '../bundle/canonical.ts';
import type { EdgeConfig, OriginConfig, WireRoute } from '../bundle/config.ts';
import { edgeConfig, type Installation, installation, responseOf } from '../bundle/installation.fixture.ts';
import { signNode } from '../bundle/sign.ts';
import build from '../rolldown.config.ts';
import { compileCache } from '../test/compile-cache.ts';
import { createNginx } from './adapters/nginx.ts';
import { routeOf } from './verified.fixture.ts';

/** A bound against hanging: a busy machine is slow. */
const COMMAND_MS = 120_000;

export type OneFile = Awaited<ReturnType<typeof buildOneFile>>;

/** Builds into an empty directory, where there is no repository and no node_modules. */
export async function buildOneFile() {
  const dir = await mkdtemp(join(tmpdir(), 'kokoa-one-'));
  // The web server's workers run as another user and pass through it.
  await chmod(dir, 0o711);
  const file = join(dir, 'kokoa-agent.mjs');
  const { input, platform, plugins, output } = build as {
    input: string;
    platform: 'node';
    plugins: [];
    output: object;
  };
  const made = await rolldown({ input, platform, plugins });
  await made.write({ ...output, file });
  await made.close();
  const bin = join(dir, 'bin');
  await mkdir(bin);
  // No test asks a certificate authority.
  await writeFile(join(bin, 'certbot'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  const env = { ...compileCache(), PATH: `${bin}:${dirname(process.execPath)}:/usr/sbin:/usr/bin:/sbin:/bin` };
  const run = (stateDir: string, args: readonly string[], input: string) =>
    execa(process.execPath, [file, '--state', stateDir, ...args], {
      ...{ cwd: dir, input, env, extendEnv: false, reject: false, timeout: COMMAND_MS },
    });
  const started: ReturnType<typeof run>[] = [];

  function start(stateDir: string, args: readonly string[], input = '') {
    const child = run(stateDir, args, input);
    started.push(child);
    return child;
  }

  return {
    ...{ dir, file, start },
    /** A new state directory. */
    state: (name: string) => join(dir, name),
    /** A copy under another name, for example without an ending. */
    async copy(name: string): Promise<string> {
      await copyFile(file, join(dir, name));
      return join(dir, name);
    },
    async close(stateDirs: readonly string[]): Promise<void> {
      for (const child of started) child.kill('SIGKILL');
      await Promise.all(started);
      for (const stateDir of stateDirs) await createNginx({ binary: '/usr/sbin/nginx', stateDir }).stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export type SigningPlane = Awaited<ReturnType<typeof openSigningPlane>>;

export async function openSigningPlane() {
  const reports: StatusReport[] = [];
  const told = { status: 200, bound: true };
  const made: Installation = installation();
  let answer: { node: string; text: (root: number) => string; etag: string } | undefined;
  let version = Date.now();
  const waiting = new Set<() => void>();

  const server = createServer((request, response) => void handle(request, response).catch(() => response.destroy()));

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await textOf(request);
    const url = new URL(request.url ?? '/', 'http://plane');
    const json = (status: number, value: unknown, type = 'application/json', headers = {}) => {
      response.writeHead(status, { 'content-type': type, ...headers });
      response.end(typeof value === 'string' ? value : JSON.stringify(value));
    };
    if (url.pathname === PUBLIC_ROOT_PATH) return json(200, made.roots[0]);
    if (told.status !== 200) return json(told.status, { error: 'unauthorized', message: 'this token is not known' });
    if (url.pathname.endsWith('/status')) {
      reports.push(JSON.parse(body) as StatusReport);
      return json(200, { bound: told.bound, ...(!told.bound && { reason: 'another machine holds it' }) });
    }
    if (url.pathname.endsWith('/relay')) return json(200, { sequence: 0, certificates: [] });
    if (!url.pathname.endsWith('/config')) return json(404, { error: 'not_found', message: 'not here' });
    if (request.headers['if-none-match'] === answer?.etag && url.searchParams.has('wait')) {
      const seconds = Number(url.searchParams.get('wait'));
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, seconds * 1_000);
        waiting.add(resolve);
        response.once('close', () => {
          clearTimeout(timer);
          waiting.delete(resolve);
          resolve();
        });
      });
    }
    if (!answer) return json(503, { error: 'not_ready', message: 'nothing is published yet' });
    if (request.headers['if-none-match'] === answer.etag) return void response.writeHead(304).end();
    json(200, answer.text(Number(url.searchParams.get('root'))), BUNDLE_MEDIA_TYPE, { etag: answer.etag });
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fingerprint: made.fingerprint,
    ...{ reports, told },
    /** `url`: where the node asks from then on, when somebody stands in between. */
    publishEdge(node: string, hostnames: readonly string[], url?: string): void {
      this.publishRoutes(node, hostnames.map(routeOf), url);
    },
    /** What an edge answers by itself. */
    publishRedirects(node: string, hostnames: readonly string[]): void {
      const redirect = { to: 'https://other.test/', status: 302 as const };
      this.publishRoutes(
        node,
        hostnames.map((hostname) => ({ ...routeOf(hostname), backends: [], redirect })),
      );
    },
    publishRoutes(node: string, routes: readonly WireRoute[], url?: string): void {
      const text = canonicalJson({ routes });
      this.publish(
        { ...edgeConfig(node, [text]), controlPlane: { urls: [url ?? this.url] } },
        { [sha256Hex(text)]: text },
      );
    },
    publishOrigin(node: string, ports: number[]): void {
      const { edge: _, ...base } = edgeConfig(node, []);
      this.publish({ ...base, role: 'origin', origin: { ports }, controlPlane: { urls: [this.url] } }, {});
    },
    publish(config: EdgeConfig | OriginConfig, chunks: Record<string, string>): void {
      version += 1;
      const signed = signNode({
        node: config.node,
        config,
        commit: 'c'.repeat(40),
        version,
        now: new Date(),
        keys: made.keys,
        lifetimes: {},
      });
      const text = (root: number) => JSON.stringify(responseOf(signed, made.roots, root, chunks));
      answer = { node: config.node, text, etag: `"${version}"` };
      for (const resolve of waiting) resolve();
      waiting.clear();
    },
    close(): Promise<void> {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** What `kokoa edge add` would show: only the name in it is read here. */
export function tokenFor(node: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'EdDSA' })}.${part({ sub: node, gen: 1, jti: 'j' })}.${'s'.repeat(86)}\n`;
}

export async function freePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request) text += String(part);
  return text;
}
