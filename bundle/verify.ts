// Verifies what a node is told, without disk, network or clock: roots, signatures, node binding, versions, hashes, then the config.
// Signatures are judged before anything they cover is believed. Expiry and rollback are the caller's, who knows time and history.
import { Readable } from 'node:stream';
import { type Metadata, MetaFile, type Snapshot, type Targets, type Timestamp } from '@tufjs/models';
import { sha256Hex } from './canonical.ts';
import { readConfig } from './check-config.ts';
import { CONFIG_TARGET, type NodeConfig } from './config.ts';
import { checkSignatures, claimsKeyOf, type Documents, NODE_FIELD, parseDocument } from './metadata.ts';
import type { BundleFiles } from './read-bundle.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import { extendRootChain, type RootChain } from './root-chain.ts';

export interface Trust {
  /** The node's own name. */
  node: string;
  /** sha256 of root version 1, as pinned. */
  fingerprint: string;
  /** Roots that verified before; empty at first. */
  roots: readonly string[];
}

/** Signed texts that all held. Expiry is not judged. */
export interface VerifiedFiles {
  chain: RootChain;
  timestampVersion: number;
  /** Version of snapshot and targets. */
  version: number;
  timestamp: string;
  snapshot: string;
  targets: string;
  configText: string;
  configHash: string;
  config: NodeConfig;
  /** The commit it was compiled from, when the signer said so. */
  commit: string | undefined;
  /** Ends of life, ms since the epoch. */
  expiresMs: { root: number; timestamp: number; snapshot: number; targets: number };
}

interface Chain {
  timestamp: Metadata<Timestamp>;
  snapshot: Metadata<Snapshot>;
  targets: Metadata<Targets>;
}

/** Verifies a node's signed files from the pinned fingerprint down to the config. */
export async function verifyFiles(files: BundleFiles, trust: Trust): Promise<VerifiedFiles | Refusal> {
  const chain = extendRootChain(trust.roots, files.roots, trust.fingerprint);
  if (isRefusal(chain)) return chain;
  const documents = verifyDocuments(files, chain, trust.node);
  if (isRefusal(documents)) return documents;
  const config = await verifyConfig(files, documents.targets, trust.node);
  if (isRefusal(config)) return config;
  const { timestamp, snapshot, targets } = documents;
  const target = targets.signed.targets[CONFIG_TARGET];
  const commit = target?.custom.commit;
  return {
    chain,
    timestampVersion: timestamp.signed.version,
    version: targets.signed.version,
    timestamp: files.timestamp,
    snapshot: files.snapshot,
    targets: files.targets,
    configText: files.config,
    configHash: target?.hashes.sha256 ?? '',
    config,
    commit: typeof commit === 'string' ? commit : undefined,
    expiresMs: {
      root: Date.parse(chain.root.signed.expires),
      timestamp: Date.parse(timestamp.signed.expires),
      snapshot: Date.parse(snapshot.signed.expires),
      targets: Date.parse(targets.signed.expires),
    },
  };
}

/** `expired` when any document is past its end (TUF specification 5.4.4, 5.5.6, 5.6.5; 5.3.10 for the root). */
export function checkExpiry(files: VerifiedFiles, nowMs: number): Refusal | undefined {
  for (const [name, endMs] of Object.entries(files.expiresMs)) {
    // Written so that an end that is no number counts as past.
    if (!(nowMs < endMs)) return refuse('expired', `${name} was good until ${endMs}, now is ${nowMs} (ms)`);
  }
  return undefined;
}

/**
 * `rollback` when `next` has a version of `held` with other content. TUF ignores such a document silently; whoever signs two
 * contents under one version has lost its memory or its keys.
 */
export function checkSameVersion(next: VerifiedFiles, held: VerifiedFiles | undefined): Refusal | undefined {
  if (!held || held.chain.epoch !== next.chain.epoch) return undefined;
  const again =
    (held.timestampVersion === next.timestampVersion && held.timestamp !== next.timestamp) ||
    (held.version === next.version && held.snapshot !== next.snapshot);
  return again ? refuse('rollback', `version ${next.version} comes again with other content`) : undefined;
}

function verifyDocuments(files: BundleFiles, chain: RootChain, node: string): Chain | Refusal {
  const timestamp = parseDocument('timestamp', files.timestamp);
  if (isRefusal(timestamp)) return timestamp;
  if (isForeign(chain, files, timestamp)) {
    return refuse('foreign_root', `nothing in the bundle is signed by a key of the trusted root ${chain.version}`);
  }
  const refusal = checkSignatures(chain.root, timestamp) ?? checkNode(timestamp, node);
  if (refusal) return refusal;
  const snapshot = verifyNext('snapshot', files.snapshot, timestamp.signed.snapshotMeta, chain, node);
  if (isRefusal(snapshot)) return snapshot;
  const meta = snapshot.signed.meta['targets.json'] ?? new MetaFile({ version: 1 });
  const targets = verifyNext('targets', files.targets, meta, chain, node);
  if (isRefusal(targets)) return targets;
  if (files.addressee !== undefined && files.addressee !== node) return wrongNode('the bundle', files.addressee, node);
  const { named } = files;
  if (named && (named.snapshot !== snapshot.signed.version || named.targets !== targets.signed.version)) {
    return refuse('mixed_versions', 'a file is named by another version than it has');
  }
  return { timestamp, snapshot, targets };
}

/** Verifies a document against what the one before it says of its bytes and version. */
function verifyNext<K extends 'snapshot' | 'targets'>(
  kind: K,
  text: string,
  meta: MetaFile,
  chain: RootChain,
  node: string,
): Documents[K] | Refusal {
  const document = parseDocument(kind, text);
  const differs = differsFrom(meta, text);
  if (isRefusal(document)) return differs ? badHash(kind) : document;
  const unsigned = checkSignatures(chain.root, document);
  if (unsigned) return differs ? badHash(kind) : unsigned;
  const otherNode = checkNode(document, node);
  if (otherNode) return otherNode;
  // Rightly signed, but not what the document before it means: parts of two publications.
  if (!differs && document.signed.version === meta.version) return document;
  return refuse('mixed_versions', `${kind} ${document.signed.version} was found where ${meta.version} belongs`);
}

async function verifyConfig(
  files: BundleFiles,
  targets: Metadata<Targets>,
  node: string,
): Promise<NodeConfig | Refusal> {
  const target = targets.signed.targets[CONFIG_TARGET];
  if (!target) return refuse('missing_file', `targets lists no ${CONFIG_TARGET}`);
  try {
    await target.verify(Readable.from([Buffer.from(files.config)]));
  } catch {
    const whole = files.named !== undefined && files.named.config === sha256Hex(files.config);
    return whole ? refuse('mixed_versions', 'the config belongs to other targets') : badHash('config');
  }
  if (files.named && files.named.config !== target.hashes.sha256) {
    return refuse('mixed_versions', 'the config is named by another hash than it has');
  }
  const config = readConfig(files.config);
  // From here on it is known who said it: whoever waits for this node may know which config it is.
  const configHash = sha256Hex(files.config);
  if (isRefusal(config)) return { ...config, configHash };
  return config.node === node ? config : { ...wrongNode('the config', config.node, node), configHash };
}

/** All three documents by unknown keys: another installation, not damage. */
function isForeign(chain: RootChain, files: BundleFiles, timestamp: Metadata<Timestamp>): boolean {
  if (claimsKeyOf(chain.root, timestamp)) return false;
  const others = [parseDocument('snapshot', files.snapshot), parseDocument('targets', files.targets)];
  return others.every((document) => !isRefusal(document) && !claimsKeyOf(chain.root, document));
}

function checkNode(document: Documents['timestamp' | 'snapshot' | 'targets'], node: string): Refusal | undefined {
  const found = document.signed.unrecognizedFields[NODE_FIELD];
  return found === node ? undefined : wrongNode(document.signed.type, found, node);
}

function wrongNode(what: string, found: unknown, node: string): Refusal {
  return refuse('wrong_node', `${what} is for ${typeof found === 'string' ? found : 'no node'}, this is ${node}`);
}

function badHash(what: string): Refusal {
  return refuse('bad_hash', `${what} is not the text that was signed`);
}

function differsFrom(meta: MetaFile, text: string): boolean {
  try {
    meta.verify(Buffer.from(text));
    return false;
  } catch {
    return true;
  }
}
