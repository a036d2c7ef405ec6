// `kokoa serve`: the reconciler. Without options it serves the repository it stands in, on loopback, with development keys, and says
// what to do next.
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { KokoaError } from '../../bundle/error.ts';
import { createDevelopmentKeys } from '../adapters/key-files.ts';
import { startReconciler } from '../wiring.ts';

interface ServeOptions {
  repository: string;
  branch: string;
  data: string;
  keys?: string;
  listen: string;
  tlsCert?: string;
  tlsKey?: string;
  behindProxy?: boolean;
  webhookSecretFile?: string;
  gitCa?: string;
  gitAuthorizationFile?: string;
  pollSeconds: string;
  logFormat: string;
}

const POLL_SECONDS_MIN = 1;
const POLL_SECONDS_MAX = 3600;
const SECRET_BYTES_MAX = 4096;

export function registerServe(program: Command): void {
  program
    .command('serve')
    .description('run the reconciler: follow a repository, sign a bundle per node, serve it to the agents')
    .option('--repository <url>', 'repository with routes/ origins/ edges/ kokoa.yaml', '.')
    .option('--branch <name>', 'branch to follow', 'main')
    .option('--data <dir>', 'where the mirror, the store and development keys are kept', '.kokoa')
    .option('--keys <dir>', 'signing keys, from `kokoa keys init` (default: development keys in --data)')
    .option('--listen <host:port>', 'where agents and webhooks reach it', '127.0.0.1:8443')
    .option('--tls-cert <file>', 'certificate chain, PEM; read again when it changes')
    .option('--tls-key <file>', 'private key, PEM')
    .option('--behind-proxy', 'plain HTTP on any address, because a proxy in front terminates TLS')
    .option('--webhook-secret-file <file>', 'secret of the git server’s push webhook; without it only polling finds commits')
    .option('--git-ca <file>', 'PEM file of the CA of the git server (default: the system’s)')
    .option('--git-authorization-file <file>', 'value of the Authorization header for the git server')
    .option('--poll-seconds <n>', 'how often the repository is looked at without a webhook', '60')
    .option('--log-format <format>', 'text or json', 'text')
    .action(serve);
}

async function serve(options: ServeOptions): Promise<void> {
  const dataDir = resolve(options.data);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const keysDir = resolve(options.keys ?? join(dataDir, 'keys'));
  if (options.keys === undefined && !existsSync(keysDir)) await createDevelopmentKeys(keysDir, new Date());
  const running = await startReconciler({
    repository: options.repository,
    branch: options.branch,
    dataDir,
    keysDir,
    listen: parseListen(options.listen),
    tls: tlsOf(options),
    behindProxy: options.behindProxy ?? false,
    webhookSecret: await secretIn(options.webhookSecretFile),
    gitCaFile: options.gitCa,
    gitAuthorization: await secretIn(options.gitAuthorizationFile),
    pollMs: 1000 * parseNumber(options.pollSeconds, '--poll-seconds', POLL_SECONDS_MIN, POLL_SECONDS_MAX),
    logFormat: options.logFormat === 'json' ? 'json' : 'text',
  });
  console.log(greeting(running.url, running.fingerprint, options).join('\n'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void running.stop());
  await running.ended;
}

function greeting(url: string, fingerprint: string, { repository, branch, keys }: ServeOptions): string[] {
  return [
    `serving ${branch} of ${repository} at ${url}`,
    `fingerprint ${fingerprint}`,
    ...(keys === undefined ? ['development keys: good for trying out on this machine only'] : []),
    'next:',
    '  npx kokoa route add blog.hoge.com --origin home --port 9000   # then commit',
    '  npx kokoa edge add NAME     # prints a token and the join command',
    `  curl ${url}/healthz`,
  ];
}

function parseListen(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match && port <= 65535) return { host: match[1] ?? match[2]!, port };
  throw new KokoaError('usage', `--listen: found ${text}, expected HOST:PORT, e.g. 127.0.0.1:8443 or [::1]:8443`);
}

function tlsOf({ tlsCert, tlsKey }: ServeOptions): { certFile: string; keyFile: string } | undefined {
  if (tlsCert && tlsKey) return { certFile: resolve(tlsCert), keyFile: resolve(tlsKey) };
  if (!tlsCert && !tlsKey) return undefined;
  throw new KokoaError('usage', '--tls-cert and --tls-key belong together');
}

async function secretIn(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const secret = (await readFile(file, 'utf8')).trim();
  if (secret.length > 0 && secret.length <= SECRET_BYTES_MAX) return secret;
  throw new KokoaError('usage', `${file}: found ${secret.length} characters, expected a secret of 1 to ${SECRET_BYTES_MAX}`);
}

function parseNumber(text: string, option: string, min: number, max: number): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= min && value <= max) return value;
  throw new KokoaError('usage', `${option}: found ${text}, expected a number from ${min} to ${max}`);
}
