// certbot's accounts, one per ACME server, each in a home of its own: `accounts/HOST/PATH/ID/{private_key,regr,meta}.json`. The
// key is read for its thumbprint alone and stays where certbot made it.
import { createHash } from 'node:crypto';
import { glob, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { calculateJwkThumbprint, type JWK } from 'jose';
import PQueue from 'p-queue';
import { KokoaError } from '../../bundle/error.ts';
import { explainCertbot } from '../core/certbot-failure.ts';
import type { AcmeServer } from '../ports/certificate-authority.ts';
import { type CertbotProgram, lastWords, runCertbot } from './certbot-run.ts';
import { makeDirectory, readBounded } from './durable-write.ts';

export const REGISTER_TIMEOUT_MS = 60_000;
/** Half-written accounts that are passed over. */
const ACCOUNTS_MAX = 16;
/** Of one file of an account; the CA decides what stands in the registration. */
const ACCOUNT_FILE_BYTES_MAX = 64 * 1024;
const SERVER_CHARACTERS_MAX = 2048;
const EMAIL = /^(?!-)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}$/;

export interface AcmeAccounts {
  /** Registers once; RFC 7638 thumbprint of the account's key. @throws KokoaError acme_account_failed (`cause` as of an order), certbot_failed */
  thumbprint(acme: AcmeServer): Promise<string>;
  /** certbot's config directory that holds this server's account and nothing else. */
  home(acme: AcmeServer): string;
  /** Sets an account aside that the CA does not know; the next `thumbprint` registers another. */
  forget(acme: AcmeServer): Promise<void>;
}

export function createAcmeAccounts(program: CertbotProgram, root: string): AcmeAccounts {
  const registrations = new PQueue({ concurrency: 1 });
  const known = new Map<string, string>();
  const home = ({ server }: AcmeServer) => join(root, `account-${serverDigest(server)}`);
  return {
    home,
    async thumbprint(acme) {
      const args = accountArguments(acme);
      return registrations.add(async () => {
        const thumbprint =
          known.get(acme.server) ??
          (await readThumbprint(home(acme))) ??
          (await register(program, { root, home: home(acme), args }));
        known.set(acme.server, thumbprint);
        return thumbprint;
      });
    },
    async forget(acme) {
      known.delete(acme.server);
      const aside = `${home(acme)}.lost`;
      await rm(aside, { recursive: true, force: true });
      await rename(home(acme), aside).catch(() => undefined);
    },
  };
}

/** Names a server in a path. */
export function serverDigest(server: string): string {
  return createHash('sha256').update(server).digest('hex').slice(0, 16);
}

/** certbot's arguments for this account. @throws KokoaError acme_account_failed for what is no URL or address */
export function accountArguments({ server, email }: AcmeServer): string[] {
  if (server.length > SERVER_CHARACTERS_MAX || !URL.canParse(server) || new URL(server).protocol !== 'https:') {
    throw new KokoaError('acme_account_failed', 'the ACME server must be an https URL', {
      hint: 'set acme.server in kokoa.yaml',
    });
  }
  if (email === undefined) return [`--server=${server}`, '--register-unsafely-without-email'];
  if (EMAIL.test(email)) return [`--server=${server}`, `--email=${email}`, '--no-eff-email'];
  throw new KokoaError('acme_account_failed', 'the ACME email is malformed', { hint: 'set acme.email in kokoa.yaml' });
}

/** In a scratch folder that becomes the account's home when it is complete: a crash leaves no half account. */
async function register(
  program: CertbotProgram,
  place: { root: string; home: string; args: string[] },
): Promise<string> {
  await makeDirectory(place.root, 0o700);
  // What a killed agent began is nobody's.
  for (const name of await readdir(place.root))
    if (name.startsWith('register-')) await rm(join(place.root, name), { recursive: true, force: true });
  const folder = await mkdtemp(join(place.root, 'register-'));
  try {
    const ending = await runCertbot(program, {
      folder,
      args: ['register', ...place.args],
      timeoutMs: REGISTER_TIMEOUT_MS,
    });
    const thumbprint = await readThumbprint(folder);
    if (!thumbprint) {
      const { output, log } = await lastWords(folder);
      const { detail, hint, retryAfterMs } = explainCertbot(output, log, Date.now());
      const found = ending === 'timed_out' ? `certbot did not end within ${REGISTER_TIMEOUT_MS / 1000} s` : detail;
      throw new KokoaError('acme_account_failed', found, {
        hint,
        ...(retryAfterMs !== undefined && { cause: { retryAfterMs } }),
      });
    }
    await rm(place.home, { recursive: true, force: true });
    await rename(folder, place.home);
    return thumbprint;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Of the one complete account in a config directory; undefined when there is none. A second one would make certbot ask. */
async function readThumbprint(configDir: string): Promise<string | undefined> {
  let seen = 0;
  for await (const path of glob('accounts/**/private_key.json', { cwd: configDir })) {
    seen += 1;
    if (seen > ACCOUNTS_MAX) break;
    const key = await readJson(join(configDir, path));
    const registration = await readJson(join(configDir, dirname(path), 'regr.json'));
    const meta = await readJson(join(configDir, dirname(path), 'meta.json'));
    if (key && registration && meta) return calculateJwkThumbprint(key as JWK, 'sha256');
  }
  return undefined;
}

async function readJson(path: string): Promise<object | undefined> {
  try {
    const value: unknown = JSON.parse((await readBounded(path, ACCOUNT_FILE_BYTES_MAX)) ?? '');
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
