// Signs what one node is told: its config as the one target of a small TUF chain. Every document names the node inside what is signed.
import { Metadata, MetaFile, Signature, Snapshot, TargetFile, Targets, Timestamp } from '@tufjs/models';
import { canonicalJson, sha256Hex } from './canonical.ts';
import { CONFIG_TARGET, type NodeConfig } from './config.ts';
import { KokoaError } from './error.ts';
import type { OnlineKeys, Signer } from './keys.ts';
import { CONFIG_BYTES_MAX } from './limits.ts';
import { type Documents, documentText, NODE_FIELD } from './metadata.ts';

/** TUF specification that the documents follow. */
export const SPEC_VERSION = '1.0.31';

export interface Lifetimes {
  timestampMs: number;
  documentsMs: number;
}

export const DEFAULT_LIFETIMES: Lifetimes = { timestampMs: 60 * 60 * 1000, documentsMs: 30 * 24 * 60 * 60 * 1000 };

/** What is published for one node. Texts are the exact signed bytes. */
export interface SignedNode {
  node: string;
  /** TUF version of the three documents; only grows. */
  version: number;
  /** Version of timestamp.json; grows beyond `version` when only the timestamp was re-made. */
  timestampVersion: number;
  configHash: string;
  /** When timestamp.json expires, ms since the epoch; it is re-made at half its life. */
  timestampExpiresMs: number;
  timestamp: string;
  snapshot: string;
  targets: string;
  config: string;
}

export interface SignRequest {
  node: string;
  config: NodeConfig;
  /** The commit the config was compiled from; signed, but no part of the config. */
  commit: string;
  /** From nextVersion over the node's last `timestampVersion`. */
  version: number;
  now: Date;
  keys: OnlineKeys;
  lifetimes?: Partial<Lifetimes>;
}

/** Signs a node's config. @throws KokoaError config_too_large, config_wrong_node */
export function signNode({ node, config, commit, version, now, keys, lifetimes }: SignRequest): SignedNode {
  if (config.node !== node)
    throw new KokoaError('config_wrong_node', `the config of ${config.node} was to be signed for ${node}`);
  const text = canonicalJson(config);
  const bytes = Buffer.byteLength(text);
  if (bytes > CONFIG_BYTES_MAX) {
    throw new KokoaError(
      'config_too_large',
      `the config of ${node} has ${bytes} bytes, at most ${CONFIG_BYTES_MAX} are allowed`,
    );
  }
  const { timestampMs, documentsMs } = { ...DEFAULT_LIFETIMES, ...lifetimes };
  const common = { version, expires: expiresText(now.getTime() + documentsMs), specVersion: SPEC_VERSION };
  const unrecognizedFields = { [NODE_FIELD]: node };
  const configHash = sha256Hex(text);
  const target = new TargetFile({
    path: CONFIG_TARGET,
    length: bytes,
    hashes: { sha256: configHash },
    unrecognizedFields: { custom: { commit } },
  });
  const targets = signed(
    new Metadata(new Targets({ ...common, unrecognizedFields, targets: { [CONFIG_TARGET]: target } })),
    keys.targets,
  );
  const meta = { 'targets.json': metaFile(version, targets) };
  const snapshot = signed(new Metadata(new Snapshot({ ...common, unrecognizedFields, meta })), keys.snapshot);
  const stamp = signTimestamp(node, version, metaFile(version, snapshot), now, timestampMs, keys.timestamp);
  return { node, version, timestampVersion: version, configHash, ...stamp, snapshot, targets, config: text };
}

export interface RenewalRequest {
  /** From nextVersion over the previous `timestampVersion`. */
  version: number;
  now: Date;
  keys: Pick<OnlineKeys, 'timestamp'>;
  lifetimes?: Partial<Lifetimes>;
}

/** Makes a new timestamp for the same documents. @throws KokoaError version_not_newer */
export function renewTimestamp<P extends SignedNode>(
  previous: P,
  { version, now, keys, lifetimes }: RenewalRequest,
): P {
  if (version <= previous.timestampVersion) {
    throw new KokoaError('version_not_newer', `timestamp ${version} does not follow ${previous.timestampVersion}`);
  }
  const { timestampMs } = { ...DEFAULT_LIFETIMES, ...lifetimes };
  const meta = metaFile(previous.version, previous.snapshot);
  const stamp = signTimestamp(previous.node, version, meta, now, timestampMs, keys.timestamp);
  return { ...previous, timestampVersion: version, ...stamp };
}

/**
 * The version to publish next: time in ms, so that a lost store does not go back, and always above `previous` (the node's last
 * `timestampVersion`), so that a clock that went back does not either. @throws KokoaError version_exhausted
 */
export function nextVersion(previous: number | undefined, nowMs: number): number {
  const next = Math.max((previous ?? 0) + 1, Math.floor(nowMs));
  if (Number.isSafeInteger(next)) return next;
  throw new KokoaError('version_exhausted', `no version follows ${previous}`, {
    hint: 'Somebody published a version from the far future. Rotate all three online keys: `kokoa keys rotate`.',
  });
}

/**
 * What must be signed again because it nears its end: the timestamp at half its life, all documents when the longer-lived ones are
 * at half of theirs, or when `keys` are given and others signed them.
 */
export function renewalDue(
  published: SignedNode,
  nowMs: number,
  lifetimes: Partial<Lifetimes> = {},
  keys?: OnlineKeys,
): 'nothing' | 'timestamp' | 'documents' {
  const { timestampMs, documentsMs } = { ...DEFAULT_LIFETIMES, ...lifetimes };
  const { signed: body } = JSON.parse(published.snapshot) as { signed: { expires: string } };
  if (Date.parse(body.expires) - nowMs < documentsMs / 2) return 'documents';
  const roles = ['timestamp', 'snapshot', 'targets'] as const;
  if (keys && !roles.every((role) => published[role].includes(`"keyid":"${keys[role].keyId}"`))) return 'documents';
  return published.timestampExpiresMs - nowMs < timestampMs / 2 ? 'timestamp' : 'nothing';
}

/** ISO 8601 in whole seconds, as the TUF specification writes `expires`. */
export function expiresText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

function signTimestamp(
  node: string,
  version: number,
  snapshotMeta: MetaFile,
  now: Date,
  lifetimeMs: number,
  key: Signer,
) {
  const expires = expiresText(now.getTime() + lifetimeMs);
  const unrecognizedFields = { [NODE_FIELD]: node };
  const body = new Timestamp({ version, expires, specVersion: SPEC_VERSION, unrecognizedFields, snapshotMeta });
  return { timestamp: signed(new Metadata(body), key), timestampExpiresMs: Date.parse(expires) };
}

function metaFile(version: number, text: string): MetaFile {
  return new MetaFile({ version, length: Buffer.byteLength(text), hashes: { sha256: sha256Hex(text) } });
}

function signed(document: Documents[keyof Documents], key: Signer): string {
  document.sign((bytes) => new Signature({ keyID: key.keyId, sig: key.sign(bytes) }));
  return documentText(document);
}
