// `kokoa serve`: the reconciler. Without options it serves the repository it stands in, on loopback, with development keys, and says
// what to do next.
import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { KokoaError } from '../../bundle/error.ts';
import { parseRemote } from '../adapters/git-remote.ts';
import { createDevelopmentKeys, DEVELOPMENT_MARKER } from '../adapters/key-files.ts';
import { makeFolder } from '../adapters/make-folder.ts';
import { isLoopback } from '../http/loopback.ts';
import type { RunningReconciler } from '../wiring.ts';
import type { DoctorOptions } from './doctor-options.ts';
import { firstCommands } from './first-commands.ts';
import { DEFAULT_BRANCH, type FollowedBranch, followedBranch } from './followed-branch.ts';
import { addGithubOptions, forgeOf, type GithubCliOptions } from './github-options.ts';
import { writingTo } from './unwritable.ts';

interface ServeOptions extends GithubCliOptions, DoctorOptions {
  pollSeconds?: string;
  logFormat: 'text' | 'json';
}

/** Asking another machine costs both something. */
const POLL_SECONDS = 60;
/** Somebody who commits beside it waits for the result. */
const POLL_SECONDS_LOCAL = 2;
const POLL_SECONDS_MIN = 1;
const POLL_SECONDS_MAX = 3600;
const SECRET_BYTES_MAX = 4096;
const SECRET_VARIABLE = 'KOKOA_SECRET_';
/** What still runs this long after the end (a git that hangs) is left behind. */
const LEAVE_BEHIND_MS = 500;

export function registerServe(program: Command): void {
  const command = program
    .command('serve')
    .description('follow a repository, sign a bundle for every node, serve it to them')
    .option('--repository <url>', 'where kokoa.yaml, routes/, origins/ and edges/ are', '.')
    .option('--branch <name>', `branch to follow (default: "${DEFAULT_BRANCH}")`)
    .option('--data <dir>', 'mirror, store and development keys', '.kokoa')
    .option('--keys <dir>', 'signing keys, made by kokoa keys init (default: development keys in --data)')
    .option('--listen <host:port>', 'where agents and webhooks reach it', '127.0.0.1:8443')
    .option('--tls-cert <file>', 'certificate chain, PEM; read again when it changes')
    .option('--tls-key <file>', 'its private key, PEM')
    .option('--behind-proxy', 'plain HTTP on any address: a proxy in front does TLS')
    .option('--webhook-secret-file <file>', 'secret of the push webhook (default: polling alone finds commits)')
    .option('--secrets <dir>', 'where secrets of routes are, in files DIR/TEAM/NAME')
    .option('--dns-programs <dir>', 'where programs are that write zones (provider: exec)')
    .option('--git-ca <file>', 'PEM file of the CA of the git server (default: the system’s)')
    .option('--git-authorization-file <file>', 'Authorization header for the git server')
    .option(
      '--poll-seconds <n>',
      `pause between two looks (default: ${POLL_SECONDS}, of a local repository ${POLL_SECONDS_LOCAL})`,
    )
    .addOption(new Option('--log-format <format>', 'how to log').choices(['text', 'json']).default('text'));
  addGithubOptions(command)
    .addHelpText('after', '\nLogs go to standard error. SIGTERM or Ctrl-C ends it; nodes keep what they have.')
    .action(serve);
}

async function serve(options: ServeOptions): Promise<void> {
  const listen = parseListen(options.listen);
  const pollSeconds = pollSecondsOf(options);
  const [tls, webhookSecret] = [tlsOf(options), await secretIn(options.webhookSecretFile)];
  const gitAuthorization = await secretIn(options.gitAuthorizationFile);
  refuseUselessKeys(options.keys, listen.host);
  const followed = await followedBranch(options.repository, options.branch);
  const forge = await forgeOf(options, followed.branch);
  const dataDir = resolve(options.data);
  await writingTo(dataDir, makeFolder(dataDir));
  const keysDir = resolve(options.keys ?? join(dataDir, 'keys'));
  if (options.keys === undefined && !existsSync(keysDir))
    await writingTo(keysDir, createDevelopmentKeys(keysDir, new Date()));
  // Loaded when it is needed: the short commands start sooner without git, store and HTTP server.
  const { startReconciler } = await import('../wiring.ts');
  const running = await startReconciler({
    repository: options.repository,
    branch: followed.branch,
    dataDir,
    keysDir,
    listen,
    tls,
    behindProxy: options.behindProxy ?? false,
    webhookSecret,
    gitCaFile: options.gitCa,
    gitAuthorization,
    pollMs: 1000 * pollSeconds,
    forge,
    secrets: {
      secretsDir: options.secrets && resolve(options.secrets),
      credentialsDir: process.env.CREDENTIALS_DIRECTORY,
      env: secretVariables(process.env),
    },
    dnsProgramsDir: options.dnsPrograms && resolve(options.dnsPrograms),
    logFormat: options.logFormat,
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void running.stop());
  console.log(greeting(running, options, followed, pollSeconds).join('\n'));
  try {
    await running.ended;
  } finally {
    setTimeout(() => process.exit(), LEAVE_BEHIND_MS).unref();
  }
}

/** At most 80 columns, as far as the names in it allow. */
function greeting(
  running: RunningReconciler,
  { repository, secrets }: ServeOptions,
  { branch, notes }: FollowedBranch,
  pollSeconds: number,
): string[] {
  const { url, fingerprint, development } = running;
  return [
    `serving      ${url}`,
    `following    ${branch} of ${repository === '.' ? resolve(repository) : repository}`,
    `             looked at every ${pollSeconds} s`,
    ...notes.map((note) => `             ${note}`),
    ...secretsNote(secrets),
    `fingerprint  ${fingerprint}`,
    ...(development ? ['keys         development: to try it out, on this machine only'] : []),
    // The process that a shell knows may be npm, which does not hand a signal on.
    `to stop it   Ctrl-C, or kill ${process.pid}`,
    '',
    ...firstCommands(repository, branch),
    `  curl ${url}/readyz`,
    '',
  ];
}

/** Not refused: a disk may come later, and what needs no secret is served meanwhile. */
function secretsNote(secrets: string | undefined): string[] {
  if (secrets === undefined) return [];
  const dir = resolve(secrets);
  const why = noFolder(dir);
  if (why === undefined) return [];
  return [
    `secrets      ${dir}: ${why}`,
    '             routes wait for their secrets until there is one (docs/secrets.md)',
  ];
}

function noFolder(dir: string): string | undefined {
  try {
    const found = statSync(dir, { throwIfNoEntry: false });
    if (found === undefined) return 'there is no such folder';
    return found.isDirectory() ? undefined : 'it is no folder';
  } catch (error) {
    return `it cannot be looked at (${(error as NodeJS.ErrnoException).code})`;
  }
}

function pollSecondsOf({ pollSeconds, repository }: ServeOptions): number {
  if (pollSeconds !== undefined) return parseNumber(pollSeconds, '--poll-seconds', POLL_SECONDS_MIN, POLL_SECONDS_MAX);
  return parseRemote(repository).localPath === undefined ? POLL_SECONDS : POLL_SECONDS_LOCAL;
}

/** Said here with the whole command: `keys init` alone makes development keys, which would be refused next. */
function refuseUselessKeys(keys: string | undefined, host: string): void {
  const isThere = keys !== undefined && existsSync(keys);
  if (keys !== undefined && !isThere) throw keysRefused('keys_missing', `there are no keys in ${keys}`, keys);
  const development = !isThere || existsSync(join(keys, DEVELOPMENT_MARKER));
  if (!development || isLoopback(host)) return;
  throw keysRefused('insecure_listen', `development keys must not be served on ${host}`, 'DIR');
}

function keysRefused(code: string, message: string, dir: string): KokoaError {
  return new KokoaError(code, message, {
    hint: [
      'Make real ones, and name them by --keys:',
      `  kokoa keys init --production --dir ${dir} --root-dir ../root-keys`,
      'To try things out, leave --keys out and listen on 127.0.0.1.',
    ].join('\n'),
  });
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

/** Those that a reference can name; the others are nobody's business. */
function secretVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith(SECRET_VARIABLE)));
}

async function secretIn(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new KokoaError('usage', `${file} cannot be read: ${cause.code}`, { cause });
  });
  const secret = text.trim();
  if (secret.length > 0 && secret.length <= SECRET_BYTES_MAX) return secret;
  const expected = `expected a secret of 1 to ${SECRET_BYTES_MAX}`;
  throw new KokoaError('usage', `${file}: found ${secret.length} characters, ${expected}`);
}

function parseNumber(text: string, option: string, min: number, max: number): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= min && value <= max) return value;
  throw new KokoaError('usage', `${option}: found ${text}, expected a number from ${min} to ${max}`);
}
