// The node's own secrets. Law: they are made here, once, and never leave this machine; only their public halves are announced.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import type { Enrolment } from '../../bundle/api.ts';
import { KokoaError } from '../../bundle/error.ts';
import { type AnnouncedKeys, keyFingerprint } from '../../bundle/fingerprint.ts';
import { TOKEN_BYTES_MAX } from '../../bundle/limits.ts';
import { publicKeyOf } from '../core/wireguard-key.ts';
import type { WireguardKeys } from '../ports/wireguard-keys.ts';
import { makeDirectory, writeDurably } from './durable-write.ts';
import { createSecretOnce, readSecret } from './secret-file.ts';
import { openWireguardKeys } from './wireguard-keys.ts';

export interface NodeKeys {
  /** For `wg set NAME private-key FILE`; the key itself is never read into an argument. */
  wireguardKeyFile: string;
  /** The same key and the one that may replace it. */
  wireguard: WireguardKeys;
  /** Ed25519, private: signs what the node relays. */
  signingKey: KeyObject;
  /** Secret `AGE-SECRET-KEY-1…`: opens what is wrapped to this node. */
  identity: string;
  /** What is announced. */
  publicPart(): Required<AnnouncedKeys> & Pick<Enrolment, 'nextWireguardPublicKey'>;
  /** Of the public part, in groups, for a person to compare. */
  readonly fingerprint: string;
}

/**
 * Reads the keys in `stateDir` (made with mode 0711, because nginx workers must reach the certificates in it), after making those that are not there.
 * @throws KokoaError key_damaged, secret_exposed, secret_unreadable
 */
export async function openNodeKeys(stateDir: string): Promise<NodeKeys> {
  await makeDirectory(stateDir, 0o711);
  const wireguardKeyFile = join(stateDir, 'wireguard.key');
  await openKey(wireguardKeyFile, newWireguardKey, publicKeyOf);
  const wireguard = await openWireguardKeys({ path: wireguardKeyFile, make: newWireguardKey });
  const signingKey = await openKey(join(stateDir, 'signing.key'), newSigningKey, parseSigningKey);
  const { identity, recipient } = await openKey(join(stateDir, 'identity.key'), newIdentity, parseIdentity);
  const lasting = { signingKey: rawPublicKey(signingKey), recipient };
  const publicPart = () => ({ ...wireguard.announced(), ...lasting });
  return {
    wireguardKeyFile,
    wireguard,
    signingKey,
    identity,
    publicPart,
    get fingerprint() {
      return keyFingerprint(publicPart());
    },
  };
}

/** Keeps the bearer token; an earlier one is replaced. @throws KokoaError bad_token for what is no token */
export async function saveToken(stateDir: string, text: string): Promise<void> {
  const token = checkToken(text.trim());
  await makeDirectory(stateDir, 0o711);
  await writeDurably(join(stateDir, 'token'), `${token}\n`, { mode: 0o600 });
}

/** The bearer token of this node. @throws KokoaError not_joined, bad_token, secret_exposed, secret_unreadable */
export async function readToken(stateDir: string): Promise<string> {
  const text = await readSecret(join(stateDir, 'token'));
  if (text !== undefined) return checkToken(text.trim(), `${join(stateDir, 'token')} holds none; join again: `);
  throw new KokoaError('not_joined', `this node has no token in ${stateDir}`, {
    hint: 'run kokoa-agent join with the token that `kokoa edge add` or `kokoa origin add` showed',
  });
}

async function openKey<T>(
  path: string,
  make: () => string | Promise<string>,
  parse: (text: string) => T | undefined | Promise<T | undefined>,
): Promise<T> {
  let text = await readSecret(path);
  if (text === undefined) {
    await createSecretOnce(path, `${await make()}\n`);
    text = (await readSecret(path)) ?? '';
  }
  const key = await parse(text.trim());
  if (key !== undefined) return key;
  throw new KokoaError('key_damaged', `${path} does not hold the key it should`, {
    hint: 'restore it from a backup; or remove it, raise `generation` in the YAML of this node, and join again',
  });
}

/** 32 random bytes, clamped as `wg genkey` does (RFC 7748, section 5). */
function newWireguardKey(): string {
  const key = randomBytes(32);
  key[0]! &= 248;
  key[31] = (key[31]! & 127) | 64;
  return key.toString('base64');
}

function newSigningKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString().trim();
}

function parseSigningKey(text: string): KeyObject | undefined {
  try {
    const key = createPrivateKey(text);
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
}

function newIdentity(): Promise<string> {
  return generateX25519Identity();
}

async function parseIdentity(identity: string): Promise<{ identity: string; recipient: string } | undefined> {
  if (!/^AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}$/.test(identity)) return undefined;
  try {
    return { identity, recipient: await identityToRecipient(identity) };
  } catch {
    return undefined;
  }
}

/** Raw 32 bytes, base64url, as an announcement carries it. */
function rawPublicKey(key: KeyObject): string {
  return createPublicKey(key).export({ format: 'jwk' }).x!;
}

function checkToken(token: string, where = ''): string {
  if (token.length <= TOKEN_BYTES_MAX && /^[A-Za-z0-9._~+/-]+=*$/.test(token)) return token;
  throw new KokoaError('bad_token', `${where}expected one bearer token of at most ${TOKEN_BYTES_MAX} characters`, {
    hint: 'give the token as `kokoa edge add` or `kokoa origin add` showed it, on standard input or in a file',
  });
}
