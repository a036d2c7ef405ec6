// An edge for tests, from the signed bundle to the web server: real keys, real verification, a real disk and a real nginx on loopback.
// Only the network is absent. Everything ends with `close`.
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { canonicalJson, sha256Hex } from '../bundle/canonical.ts';
import type { EdgeConfig, WireRoute } from '../bundle/config.ts';
import { edgeConfig, installation, NOW_MS, responseOf } from '../bundle/installation.fixture.ts';
import { packRoute } from '../bundle/route-texts.ts';
import { signNode } from '../bundle/sign.ts';
import { workerAccount } from './adapters/accounts.ts';
import { createCertsDir } from './adapters/certs-dir.ts';
import { createNginx } from './adapters/nginx.ts';
import { createOwnWebServer } from './adapters/own-web-server.ts';
import { releasesDir } from './adapters/releases-dir.ts';
import { loadTemplates } from './adapters/templates.ts';
import { trustedDir } from './adapters/trusted-dir.ts';
import { converge } from './converge.ts';
import type { Outcome, ServedBundle } from './converge-outcome.ts';
import { nginxPaths } from './core/nginx-paths.ts';
import { createMachine } from './machine.ts';
import type { WebServer } from './ports/web-server.ts';

const NODE = 'tokyo-1';

export type RealEdge = Awaited<ReturnType<typeof openRealEdge>>;

export async function openRealEdge() {
  const dir = await mkdtemp(join(tmpdir(), 'kokoa-edge-'));
  // The workers run as another user.
  await chmod(dir, 0o711);
  await mkdir(join(dir, 'run'), { mode: 0o755 });
  const worker = process.getuid?.() === 0 ? await workerAccount() : undefined;
  const [httpPort, httpsPort] = [await freePort(), await freePort()];
  const listen = { addresses: ['127.0.0.1'], httpPort, httpsPort };
  const made = installation();
  const nginx = createNginx({ binary: '/usr/sbin/nginx', stateDir: dir, ...(worker && { gid: worker.gid }) });
  const counted = { tests: 0 };
  const web: WebServer = {
    ...nginx,
    test(release) {
      counted.tests += 1;
      return nginx.test(release);
    },
  };
  const { look } = createOwnWebServer({ listen, httpsSocket: nginxPaths(dir).httpsSocket });
  const trusted = trustedDir({ directory: dir, node: NODE, fingerprint: made.fingerprint });
  const machine = {
    ...createMachine({
      trusted,
      network: undefined,
      edge: {
        ...{ web, releases: releasesDir(dir), answers: async () => true, prepareUsers: async () => undefined },
        ...{ isFreePort: async () => true, readStreams: async () => '', templates: await loadTemplates() },
        settings: {
          ...{ stateDir: dir, listen, workerProcesses: 1, workerConnections: 512 },
          ...(worker && { user: { account: worker.account, group: worker.group } }),
        },
      },
      eyes: { host: look, controlPlane: async () => true, nowSeconds: () => NOW_MS / 1000 },
      allowLoopback: false,
      now: () => NOW_MS,
    }),
    probeMs: 2_000,
  };
  let version = NOW_MS;
  let running: ServedBundle | undefined;

  return {
    ...{ dir, httpsPort, web, trusted, counted },
    running: () => running,
    /** Signs a bundle with these routes and takes it all the way. `change` spoils the config before it is signed. */
    async take(
      routes: readonly WireRoute[],
      change: (config: EdgeConfig) => object = (config) => config,
    ): Promise<Outcome> {
      version += 1;
      const text = canonicalJson({ routes: routes.map(packRoute) });
      const signed = signNode({
        node: NODE,
        config: change(edgeConfig(NODE, routes.length > 0 ? [text] : [])) as EdgeConfig,
        ...{ commit: 'c'.repeat(40), version, now: new Date(NOW_MS), keys: made.keys, lifetimes: {} },
      });
      const outcome = await converge(
        responseOf(signed, made.roots, 0, { [sha256Hex(text)]: text }),
        running,
        undefined,
        machine,
      );
      if (outcome.kind === 'applied') running = outcome.bundle;
      return outcome;
    },
    /** What a visitor gets over plain HTTP: 308 for a host that is known, 404 for any other. */
    async known(hostname: string): Promise<boolean> {
      const status = await new Promise<number | undefined>((resolve, reject) => {
        get({ host: '127.0.0.1', port: httpPort, headers: { host: hostname }, agent: false }, (response) => {
          response.resume();
          resolve(response.statusCode);
        }).on('error', reject);
      });
      if (status !== 308 && status !== 404) throw new Error(`${hostname} answers ${status}`);
      return status === 308;
    },
    certificates: createCertsDir({ dir: join(dir, 'certs'), ...(worker && { gid: worker.gid }) }),
    /** What a handshake shows for this name; undefined: it fails. */
    shown(hostname: string): Promise<string | undefined> {
      return new Promise((resolve) => {
        const options = { host: '127.0.0.1', port: httpsPort, servername: hostname, rejectUnauthorized: false };
        const socket = connect(options, () => {
          resolve(socket.getPeerX509Certificate()?.fingerprint256);
          socket.destroy();
        });
        socket.on('error', () => resolve(undefined));
      });
    },
    async close(): Promise<void> {
      await nginx.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** A redirect: an answer of the edge itself, for which nobody has to stand behind it. */
export function answering(hostname: string, more: Partial<WireRoute> = {}): WireRoute {
  const redirect = { to: 'https://other.test/', status: 302 as const };
  return { hostname, backends: [], limits: { maxBodyBytes: 1024 }, redirect, ...more };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
