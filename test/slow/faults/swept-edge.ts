// An edge on loopback for a sweep: the real agent, the real nginx, a control plane that signs for real, and a visitor who never stops.
import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type InputOptions, type OutputOptions } from 'rolldown';
import { createNginx } from '../../../agent/adapters/nginx.ts';
import { findMaster, workersOf } from '../../../agent/adapters/nginx-processes.ts';
import { nginxPaths } from '../../../agent/core/nginx-paths.ts';
import { freePort, openSigningPlane, tokenFor } from '../../../agent/one-file.fixture.ts';
import { routeOf } from '../../../agent/verified.fixture.ts';
import type { BundleResponse } from '../../../bundle/api.ts';
import { BUNDLE_MEDIA_TYPE } from '../../../bundle/api.ts';
import config from '../../../rolldown.config.ts';
import { createCertificateMaker } from '../../certificate-maker.ts';
import { type StartedProgram, startProgram } from './started-program.ts';
import { until } from './until.ts';
import { startVisitor, type Visitor } from './visitor.ts';

export const EDGE = 'tokyo-1';
export const HOST = 'a.test';
/** As the agent configures its web server. */
const WORKERS = 2;
const TOP = fileURLToPath(new URL('../../..', import.meta.url));
const MAIN = fileURLToPath(new URL('../../../agent/main.ts', import.meta.url));
const HURRIED = fileURLToPath(new URL('hurried-agent.ts', import.meta.url));

/** Makes an account and asks nobody: no certificate is ordered in a sweep. */
const CERTBOT = `#!/bin/sh
for one in "$@"; do case "$one" in --config-dir=*) folder="\${one#--config-dir=}/accounts/ca/dir/id";; esac; done
mkdir -p "$folder"
echo '{"kty":"RSA","n":"AQAB","e":"AQAB"}' > "$folder/private_key.json"
echo '{}' > "$folder/regr.json"
echo '{}' > "$folder/meta.json"
`;

export type SweptEdge = Awaited<ReturnType<typeof openSweptEdge>>;

export interface Offer {
  hash: string;
  /** Where visitors are sent under it. */
  leadsTo: string;
  /** With all roots and chunks. */
  bundle: BundleResponse;
}

/** Joined, with one certificate and one bundle to apply; no agent runs yet. `prepare`: of the place where its state will be. */
export async function openSweptEdge(prepare: (stateDir: string) => Promise<void> = async () => undefined) {
  const top = await realpath(await mkdtemp(join(tmpdir(), 'kokoa-sweep-')));
  // The web server's workers run as another user and pass through it.
  await chmod(top, 0o711);
  const stateDir = join(top, 'state');
  await prepare(stateDir);
  const bin = join(top, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'certbot'), CERTBOT, { mode: 0o755 });
  const env = {
    NODE_COMPILE_CACHE: join(top, 'compiled'),
    PATH: `${bin}:${dirname(process.execPath)}:/usr/sbin:/usr/bin:/sbin:/bin`,
  };
  const [agent, hurried] = await Promise.all([
    bundled(MAIN, join(top, 'kokoa-agent.mjs')),
    bundled(HURRIED, join(top, 'hurried-agent.mjs')),
  ]);
  const plane = await openSigningPlane();
  const maker = await createCertificateMaker();
  const [httpPort, httpsPort] = [await freePort(), await freePort()];
  let offers = 0;

  /** The next configuration; visitors are led to another place. */
  async function publish(): Promise<Offer> {
    offers += 1;
    const leadsTo = `https://v${offers}.test/`;
    plane.publishRoutes(EDGE, [{ ...routeOf(HOST), backends: [], redirect: { to: leadsTo, status: 302 } }]);
    const response = await fetch(`${plane.url}/api/v1/edge-nodes/me/config?root=0`, {
      headers: { accept: BUNDLE_MEDIA_TYPE },
    });
    const bundle = (await response.json()) as BundleResponse;
    const [, hash = ''] = /([0-9a-f]{64})\.config\.json/.exec(Object.keys(bundle.files).join()) ?? [];
    return { hash, leadsTo, bundle };
  }

  const joinArguments = [
    ...['join', plane.url, '--fingerprint', plane.fingerprint, '--no-tunnel', '--listen', '127.0.0.1'],
    ...['--http-port', String(httpPort), '--https-port', String(httpsPort)],
  ];
  const command = (state: string, args: readonly string[], more: { input?: string; hold?: string } = {}) =>
    startProgram([agent, '--state', state, ...args], { env, cwd: top, ...more });
  const { certFile, keyFile } = await maker.files({ names: [`DNS:${HOST}`] });
  const importArguments = ['certs', 'import', HOST, '--cert', certFile, '--key', keyFile];

  async function run(args: readonly string[], input = ''): Promise<void> {
    const program = await command(stateDir, args, { input });
    await program.ended();
    if (program.exitCode() !== 0) throw new Error(`kokoa-agent ${args[0]}: ${program.said()}`);
  }
  const first = await publish();
  await run(joinArguments, tokenFor(EDGE));
  await run(importArguments);

  return {
    ...{ top, stateDir, env, plane, first, publish, command, joinArguments, importArguments },
    fingerprint: plane.fingerprint,
    /** Asks for good; to be started when the edge serves. */
    visitor: () => startVisitor(httpsPort, HOST, maker.issuer),
    /** From now on he meets what serves now, or what comes: a busy machine lets workers of the last round take visitors for a moment. */
    async forgetVisits(visitor: Visitor): Promise<void> {
      await until('only the newest workers take visitors', async () => {
        const master = await findMaster(nginxPaths(stateDir));
        const workers = master === undefined ? [] : await workersOf(master);
        return workers.filter(({ leaving }) => !leaving).length === WORKERS;
      });
      await visitor.seen();
    },
    /** `run`, with short pauses. */
    startAgent: (hold?: string): Promise<StartedProgram> =>
      startProgram([hurried, stateDir], { env, cwd: top, ...(hold && { hold }) }),
    /** `clean`: when the web server has ended. */
    async close(clean: () => Promise<void> = async () => undefined): Promise<void> {
      await createNginx({ binary: '/usr/sbin/nginx', stateDir }).stop();
      await plane.close();
      await maker.close();
      await clean();
      await rm(top, { recursive: true, force: true });
    },
  };
}

async function bundled(input: string, file: string): Promise<string> {
  const { output, input: _, ...rest } = config as InputOptions & { output: OutputOptions };
  await build({ ...rest, input, cwd: TOP, logLevel: 'warn', output: { ...output, file } });
  return file;
}
