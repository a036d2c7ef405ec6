// Starts the lab's GitHub beside the repository, and asks it what scenes want done or want to know.
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { KokoaError } from '../bundle/error.ts';
import { APP_ID } from '../reconciler/adapters/github-state.fixture.ts';
import type { RepositoryNames } from './git-webhook.ts';
import type { GithubCalls, GithubServerConfig } from './github-calls.ts';
import type { Host } from './namespace.ts';
import type { CertificateFiles } from './pki.ts';

const PROGRAM = fileURLToPath(new URL('github-server.ts', import.meta.url));
/** As on a GitHub Enterprise Server. */
const BASE_PATH = '/api/v3';
const START_TIMEOUT_MS = 20_000;
const CALL_TIMEOUT_MS = 30_000;

export interface GithubOptions {
  host: Host;
  /** Path of the bare repository. */
  repository: string;
  names: RepositoryNames;
  address: string;
  port: number;
  /** With the name in its certificate: over TLS. */
  tls?: CertificateFiles & { hostname: string };
  webhook: { url: string; secret: string };
  /** What everything is verified against. */
  caFile: string;
}

export interface Github extends GithubCalls {
  /** What `kokoa serve` is told of it. */
  readonly serveOptions: readonly string[];
}

/** @throws KokoaError lab_not_ready; its calls throw lab_github_failed */
export async function startGithub(options: GithubOptions): Promise<Github> {
  const { host, repository, names, address, port, tls, webhook, caFile } = options;
  const file = (name: string) => join(host.directory, name);
  const config: GithubServerConfig = {
    ...{ ...names, address, port, repository, webhook, basePath: BASE_PATH },
    ...(tls && { certFile: tls.certFile, keyFile: tls.keyFile }),
    ...{ appKeyFile: file('github-app.pem'), socket: file('github.sock') },
  };
  const configFile = file('github.json');
  writeFileSync(configFile, JSON.stringify(config), { mode: 0o600 });
  const env = { NODE_EXTRA_CA_CERTS: caFile };
  const proc = host.start('github', process.execPath, [PROGRAM, configFile], { env });
  await proc.ready(/^listening at/m, START_TIMEOUT_MS);
  const origin = tls === undefined ? `http://${address}:${port}` : `https://${tls.hostname}:${port}`;
  const call =
    <Name extends keyof GithubCalls>(name: Name) =>
    (...args: Parameters<GithubCalls[Name]>) =>
      ask(config.socket, name, args) as ReturnType<GithubCalls[Name]>;
  return {
    serveOptions: [
      ...['--github', names.fullName, '--github-api', `${origin}${BASE_PATH}`],
      ...['--github-app-id', String(APP_ID), '--github-app-key', config.appKeyFile],
    ],
    openPull: call('openPull'),
    pushed: call('pushed'),
    merge: call('merge'),
    close: call('close'),
    setOutage: call('setOutage'),
    loseWebhooks: call('loseWebhooks'),
    said: call('said'),
  };
}

/** A file of this machine, also where the host has a network of its own. */
async function ask(socketPath: string, name: string, args: readonly unknown[]): Promise<unknown> {
  const failed = (why: unknown) => new KokoaError('lab_github_failed', `GitHub, asked for ${name}: ${why}`);
  const { result, error } = await new Promise<{ result?: unknown; error?: string }>((resolve, reject) => {
    const sent = request({ socketPath, method: 'POST', agent: false, timeout: CALL_TIMEOUT_MS }, (response) => {
      json(response).then((answer) => resolve(answer as { result?: unknown; error?: string }), reject);
    });
    sent.on('timeout', () => sent.destroy(failed(`no answer within ${CALL_TIMEOUT_MS} ms`)));
    sent.on('error', reject);
    sent.end(JSON.stringify({ call: name, args }));
  });
  if (error !== undefined) throw failed(error);
  return result;
}
