// The root of trust: which keys may sign what. Made and rotated by offline keys; an agent pins the sha256 of version 1.
import { Metadata, Root, Signature } from '@tufjs/models';
import { sha256Hex } from './canonical.ts';
import { KokoaError } from './error.ts';
import type { OnlineKeys, PublicKey, Signer } from './keys.ts';
import { checkSignatures, documentText, parseDocument } from './metadata.ts';
import { isRefusal } from './refusal.ts';
import { expiresText, SPEC_VERSION } from './sign.ts';

type OnlinePublicKeys = { [R in keyof OnlineKeys]: PublicKey };

/** A signed field of a root that must not guard anything real. */
export const DEVELOPMENT_FIELD = 'x-kokoa-development';

export interface RootOptions {
  /** They sign, and they are the root role. */
  rootKeys: readonly Signer[];
  /** How many of `rootKeys` must sign the next root. */
  threshold: number;
  online: OnlinePublicKeys;
  /** Default 1. */
  version?: number;
  expires: Date;
  /** Marks the whole set as good for trying out only. */
  development?: boolean;
}

export interface RotationOptions {
  /** Root keys at hand. A threshold of the old root's and of the new root's must be among them. */
  signers: readonly Signer[];
  /** The new root role; default: the old one's keys. */
  rootKeys?: readonly PublicKey[];
  /** Default: the old one's. */
  threshold?: number;
  /** The new online keys. To take back trust from stolen ones, all three must be new. */
  online: OnlinePublicKeys;
  expires: Date;
}

/** Makes a root and answers its exact text. @throws KokoaError root_invalid */
export function createRoot(options: RootOptions): string {
  const root = build(options.rootKeys, options.threshold, options.online, options.version ?? 1, options.expires);
  if (options.development) root.signed.unrecognizedFields[DEVELOPMENT_FIELD] = true;
  return signAndCheck(root, root, options.rootKeys);
}

/** Makes the successor of `previousText`, signed under the old root and the new. @throws KokoaError root_invalid */
export function rotateRoot(previousText: string, options: RotationOptions): string {
  const previous = readRoot(previousText);
  const role = previous.signed.roles.root;
  const oldKeys = (role?.keyIDs ?? []).map((keyId) => ({
    keyId,
    publicKeyHex: previous.signed.keys[keyId]?.keyVal.public ?? '',
  }));
  const threshold = options.threshold ?? role?.threshold ?? 1;
  const next = build(
    options.rootKeys ?? oldKeys,
    threshold,
    options.online,
    previous.signed.version + 1,
    options.expires,
  );
  const development = previous.signed.unrecognizedFields[DEVELOPMENT_FIELD];
  if (development !== undefined) next.signed.unrecognizedFields[DEVELOPMENT_FIELD] = development;
  const known = [...(role?.keyIDs ?? []), ...(next.signed.roles.root?.keyIDs ?? [])];
  return signAndCheck(
    previous,
    next,
    options.signers.filter((signer) => known.includes(signer.keyId)),
  );
}

/** What an agent pins at join: sha256 of the exact bytes of root version 1, lower-case hex. */
export function rootFingerprint(rootVersion1: string): string {
  return sha256Hex(rootVersion1);
}

/** Reads a root's text without judging its signatures. @throws KokoaError root_invalid */
export function readRoot(text: string): Metadata<Root> {
  const root = parseDocument('root', text);
  if (isRefusal(root)) throw invalid(root.detail);
  return root;
}

function build(
  rootKeys: readonly PublicKey[],
  threshold: number,
  online: OnlinePublicKeys,
  version: number,
  expires: Date,
): Metadata<Root> {
  if (threshold < 1 || threshold > rootKeys.length) {
    throw invalid(`a threshold of ${threshold} cannot be met by ${rootKeys.length} root keys`);
  }
  const all = [...rootKeys, online.timestamp, online.snapshot, online.targets];
  if (new Set(all.map((key) => key.keyId)).size !== all.length) throw invalid('a key has more than one role');
  const role = (keys: readonly PublicKey[], needed: number) => ({
    keyids: keys.map((key) => key.keyId),
    threshold: needed,
  });
  return new Metadata(
    Root.fromJSON({
      _type: 'root',
      spec_version: SPEC_VERSION,
      version,
      expires: expiresText(expires.getTime()),
      consistent_snapshot: true,
      keys: Object.fromEntries(
        all.map(({ keyId, publicKeyHex }) => [
          keyId,
          { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: publicKeyHex } },
        ]),
      ),
      roles: {
        root: role(rootKeys, threshold),
        timestamp: role([online.timestamp], 1),
        snapshot: role([online.snapshot], 1),
        targets: role([online.targets], 1),
      },
    }),
  );
}

function signAndCheck(previous: Metadata<Root>, root: Metadata<Root>, signers: readonly Signer[]): string {
  for (const signer of signers) {
    root.sign((bytes) => new Signature({ keyID: signer.keyId, sig: signer.sign(bytes) }));
  }
  const text = documentText(root);
  const refusal = checkSignatures(previous, readRoot(text), root);
  if (refusal) throw invalid(`too few root keys are at hand: ${refusal.detail}`);
  return text;
}

function invalid(detail: string): KokoaError {
  return new KokoaError('root_invalid', detail, {
    hint: 'A root needs distinct keys, and enough of the old and the new root keys to sign it.',
  });
}
