// Starts the git server of the lab and reads what became of its webhooks.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GIT_ENVIRONMENT } from './git-refs.ts';
import type { RepositoryNames } from './git-webhook.ts';
import type { Host } from './namespace.ts';
import type { CertificateFiles } from './pki.ts';
import type { Proc } from './proc.ts';

const PROGRAM = fileURLToPath(new URL('git-http-server.ts', import.meta.url));
const NAME = 'fleet';

export interface Webhook {
  /** https only. */
  url: string;
  secret: string;
  /** What the receiver's certificate is verified against. */
  caFile: string;
}

/** What the program reads at its start, from a file of mode 0600. */
export interface GitServerConfig extends RepositoryNames, CertificateFiles {
  address: string;
  port: number;
  /** Absolute path of the bare repository, and its path in URLs. */
  repository: string;
  path: string;
  /** While this file exists, webhooks are lost. */
  loseFile: string;
  /** One `Delivery` per line. */
  deliveriesFile: string;
  webhook?: Webhook;
}

export interface Delivery {
  /** X-GitHub-Delivery. */
  id: string;
  ref: string;
  before: string;
  after: string;
  /** When it was answered, failed or lost; ms since the epoch. */
  atMs: number;
  outcome: 'delivered' | 'failed' | 'lost';
  status?: number;
  /** What the receiver said, or why it failed. */
  answer?: string;
}

export interface GitServerOptions {
  host: Host;
  /** Where it listens, and the name in its certificate. */
  address: string;
  port: number;
  hostname: string;
  certificate: CertificateFiles;
  webhook?: Webhook;
}

export interface GitServer {
  /** `https://HOSTNAME:PORT/fleet.git`: an empty repository, branch `main`. */
  readonly url: string;
  /** The bare repository itself. */
  readonly repository: string;
  /** As the webhooks name it. */
  readonly names: RepositoryNames;
  proc(): Proc;
  /** From now on webhooks are recorded as lost instead of sent, or sent again. */
  loseWebhooks(lose: boolean): void;
  /** Oldest first. */
  deliveries(): Delivery[];
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** Makes the repository and starts the server. */
export async function startGitServer(options: GitServerOptions): Promise<GitServer> {
  const { host } = options;
  const folder = join(host.directory, 'git');
  mkdirSync(folder, { recursive: true });
  const repository = join(folder, `${NAME}.git`);
  await host.exec('git', ['init', '-q', '--bare', '--initial-branch=main', repository], { env: GIT_ENVIRONMENT });
  const settings = [
    'http.receivepack=true',
    'uploadpack.allowFilter=true',
    'uploadpack.allowAnySHA1InWant=true',
    // No maintenance in the middle of a measurement.
    'gc.auto=0',
    'receive.autogc=false',
  ].map((setting) => setting.split('=') as [string, string]);
  for (const [key, value] of settings) {
    await host.exec('git', ['--git-dir', repository, 'config', key, value], { env: GIT_ENVIRONMENT });
  }
  const authority = options.port === 443 ? options.hostname : `${options.hostname}:${options.port}`;
  const config: GitServerConfig = {
    ...options.certificate,
    address: options.address,
    port: options.port,
    fullName: `lab/${NAME}`,
    cloneUrl: `https://${authority}/${NAME}.git`,
    defaultBranch: 'main',
    repository,
    path: `/${NAME}.git`,
    loseFile: join(folder, 'lose-webhooks'),
    deliveriesFile: join(folder, 'deliveries.jsonl'),
    ...(options.webhook === undefined ? {} : { webhook: options.webhook }),
  };
  const configFile = join(folder, 'server.json');
  writeFileSync(configFile, JSON.stringify(config), { mode: 0o600 });

  let running: Proc | undefined;
  const start = async () => {
    if (running !== undefined) return;
    running = host.start('git', process.execPath, [PROGRAM, configFile]);
    await running.ready(/^listening on/m);
  };
  await start();
  return {
    url: config.cloneUrl,
    repository,
    names: { fullName: config.fullName, cloneUrl: config.cloneUrl, defaultBranch: config.defaultBranch },
    proc: () => {
      if (running === undefined) throw new TypeError('the git server is stopped');
      return running;
    },
    loseWebhooks: (lose) => {
      if (lose) writeFileSync(config.loseFile, '');
      else rmSync(config.loseFile, { force: true });
    },
    deliveries: () => {
      if (!existsSync(config.deliveriesFile)) return [];
      const lines = readFileSync(config.deliveriesFile, 'utf8').split('\n');
      return lines.flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Delivery]));
    },
    stop: async () => {
      await running?.stop();
      running = undefined;
    },
    start,
  };
}
