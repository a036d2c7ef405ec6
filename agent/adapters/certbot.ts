// Certificates by certbot. Law: every order works in a folder of its own that shares the account, so several run at once; the
// result is read and judged by the caller, because certbot's exit code proves nothing.
import { readdir, rm, stat, symlink } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import PQueue from 'p-queue';
import { certificateFolder, isCanonicalHostname, isWildcard } from '../../bundle/certificate-name.ts';
import { KokoaError } from '../../bundle/error.ts';
import { explainCertbot } from '../core/certbot-failure.ts';
import type { AcmeServer, CertificateAuthority, DnsProof, IssuedCertificate } from '../ports/certificate-authority.ts';
import { type AcmeAccounts, accountArguments, createAcmeAccounts, serverDigest } from './acme-account.ts';
import { answerProof, HOOK_COMMAND, prepareProof } from './certbot-dns.ts';
import { type CertbotEnding, type CertbotProgram, lastWords, readLive, runCertbot, runningIn } from './certbot-run.ts';
import { diskTrouble } from './disk-trouble.ts';
import { makeDirectory } from './durable-write.ts';

/** certbot needs 0.7 s of a core and sleeps for two more. */
export const ORDERS_AT_ONCE = 4;
/** certbot itself gives up after 90 s of validation and 90 s of issuance. */
export const ORDER_TIMEOUT_MS = 200_000;
/** Of a wildcard, whose proof is not asked of the edges. */
const NOT_FOUND_IN_DNS =
  'the CA did not find the proof: do all servers of the zone have it within seconds? (docs/dns.md)';
/** What a crash left behind and nobody took over. */
const LEFTOVER_MS = 24 * 3600 * 1000;

export interface CertbotOptions {
  /** `certbot`, or an absolute path. */
  binary: string;
  /** Absolute; everything is kept below `acme/` in it, mode 0700. */
  stateDir: string;
  /** PEM of the CA that the ACME server's own HTTPS is checked against; absent: the system's. */
  caFile?: string;
  /** Added to certbot's environment, for example HTTPS_PROXY. */
  environment?: Record<string, string>;
}

/** certbot 2.1 or newer as the certificate authority's client. */
export function createCertbot({ binary, stateDir, caFile, environment }: CertbotOptions): CertificateAuthority {
  if (!isAbsolute(stateDir)) throw new KokoaError('acme_account_failed', 'the state directory must be absolute');
  const program = { binary, environment: { ...environment, ...(caFile && { REQUESTS_CA_BUNDLE: caFile }) } };
  const root = join(stateDir, 'acme');
  const orders = join(root, 'orders');
  const accounts = createAcmeAccounts(program, root);
  const queue = new PQueue({ concurrency: ORDERS_AT_ONCE });
  let swept: Promise<void> | undefined;

  return {
    account: (acme) => accounts.thumbprint(acme),

    async order(acme, hostname, signal, proof) {
      if (!isCanonicalHostname(hostname) || isWildcard(hostname) !== (proof !== undefined)) {
        throw new KokoaError(
          'acme_order_failed',
          'cannot order: not a canonical hostname, or a wildcard without DNS-01',
        );
      }
      await accounts.thumbprint(acme);
      swept ??= removeLeftovers(root, orders);
      await swept;
      const folder = join(orders, serverDigest(acme.server), certificateFolder(hostname));
      return queue.add(() => orderIn(folder, { acme, hostname, program, accounts, signal, proof }));
    },
  };
}

interface Order {
  acme: AcmeServer;
  hostname: string;
  program: CertbotProgram;
  accounts: AcmeAccounts;
  signal: AbortSignal | undefined;
  /** Of a wildcard. */
  proof: DnsProof | undefined;
}

async function orderIn(
  folder: string,
  { acme, hostname, program, accounts, signal, proof }: Order,
): Promise<IssuedCertificate> {
  const name = certificateFolder(hostname);
  if (!(await runningIn(folder))) {
    const left = await readLive(folder, name);
    await rm(folder, { recursive: true, force: true });
    if (left) return left;
    await makeDirectory(join(folder, 'webroot'));
    if (proof) await prepareProof(folder);
    await symlink(join(accounts.home(acme), 'accounts'), join(folder, 'accounts'));
  }
  const run = { folder, args: orderArguments(folder, acme, hostname), timeoutMs: ORDER_TIMEOUT_MS, signal };
  const { ending, refusal } = await proved(folder, proof, () => runCertbot(program, run));
  if (ending === 'aborted') {
    throw new KokoaError('certbot_failed', `stopped waiting for ${hostname}; certbot goes on`);
  }
  await proof?.end();
  const issued = await readLive(folder, name);
  const { output, log } = await lastWords(folder);
  await rm(folder, { recursive: true, force: true });
  if (issued) return issued;
  if (refusal !== undefined)
    throw new KokoaError('proof_missing', `the proof for ${hostname} is not in DNS: ${refusal}`, {
      hint: 'read the log of the reconciler; docs/dns.md says what it needs',
    });
  if (ending === 'timed_out') {
    throw new KokoaError('acme_unavailable', `certbot did not end within ${ORDER_TIMEOUT_MS / 1000} s`, {
      hint: 'the CA answers too slowly; it is tried again',
    });
  }
  const { code, detail, retryAfterMs, ...said } = explainCertbot(output, log, Date.now(), hostname);
  const hint = proof && code === 'acme_validation_failed' ? NOT_FOUND_IN_DNS : said.hint;
  if (code === 'acme_account_unknown') await accounts.forget(acme);
  throw new KokoaError(code, detail, { hint, ...(retryAfterMs !== undefined && { cause: { retryAfterMs } }) });
}

/** While certbot runs, its hook is answered. */
async function proved(folder: string, proof: DnsProof | undefined, run: () => Promise<CertbotEnding>) {
  const ended = new AbortController();
  const answering = proof && answerProof(folder, proof, ended.signal).catch((error: unknown) => diskTrouble(error));
  try {
    const ending = await run();
    ended.abort();
    return { ending, refusal: await answering };
  } finally {
    ended.abort();
  }
}

function orderArguments(folder: string, acme: AcmeServer, hostname: string): string[] {
  const proof = isWildcard(hostname)
    ? ['--manual', '--preferred-challenges=dns', `--manual-auth-hook=${HOOK_COMMAND}`]
    : // Nothing is read from it: every edge answers with the account's thumbprint.
      ['--webroot', `--webroot-path=${join(folder, 'webroot')}`];
  return [
    'certonly',
    ...proof,
    '--key-type=ecdsa',
    `--cert-name=${certificateFolder(hostname)}`,
    `--domains=${hostname}`,
    ...accountArguments(acme),
  ];
}

async function removeLeftovers(root: string, orders: string): Promise<void> {
  const entries = async (folder: string) => (await readdir(folder).catch(() => [])).map((entry) => join(folder, entry));
  const registrations = (await entries(root)).filter((path) => path.startsWith(join(root, 'register-')));
  const ordered = (await Promise.all((await entries(orders)).map(entries))).flat();
  for (const folder of [...registrations, ...ordered]) {
    const modifiedMs = (await stat(folder).catch(() => undefined))?.mtimeMs ?? Date.now();
    if (Date.now() - modifiedMs > LEFTOVER_MS) await rm(folder, { recursive: true, force: true });
  }
}
