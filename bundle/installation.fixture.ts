// A small installation for tests: keys, roots and signed nodes, made for real with the code under test's own signer.
import type { BundleResponse } from './api.ts';
import { canonicalJson, sha256Hex } from './canonical.ts';
import type { Chunk, EdgeConfig } from './config.ts';
import { generateKey, generateOnlineKeys, type OnlineKeys } from './keys.ts';
import type { BundleFiles } from './read-bundle.ts';
import { createRoot, rootFingerprint, rotateRoot } from './root.ts';
import { type Lifetimes, type SignedNode, signNode } from './sign.ts';

/** Fixed, so that a failure is the same everywhere. */
export const NOW_MS = Date.UTC(2030, 0, 1);
const END = new Date(NOW_MS + 1000 * 24 * 3600 * 1000);

export interface Installation {
  keys: OnlineKeys;
  roots: string[];
  fingerprint: string;
  /** Replaces the online keys by a new root; `keep` names those that stay. */
  rotate(keep?: (keyof OnlineKeys)[]): void;
  sign(options?: SignOptions): SignedBundle;
}

export interface SignOptions {
  node?: string;
  version?: number;
  hostnames?: string[];
  now?: number;
  lifetimes?: Partial<Lifetimes>;
  config?: Partial<EdgeConfig>;
}

export interface SignedBundle {
  signed: SignedNode;
  chunks: Record<string, string>;
  /** As the control plane answers: roots above `root`, all chunks. */
  response(root?: number): BundleResponse;
  files(): BundleFiles;
}

export function installation(): Installation {
  const rootKeys = [generateKey(), generateKey(), generateKey()];
  const keys = generateOnlineKeys();
  const roots = [createRoot({ rootKeys, threshold: 2, online: keys, expires: END })];
  const made: Installation = {
    keys,
    roots,
    fingerprint: rootFingerprint(roots[0] ?? ''),
    rotate(keep = []) {
      const fresh = generateOnlineKeys();
      for (const role of keep) fresh[role] = made.keys[role];
      made.roots = [
        ...made.roots,
        rotateRoot(made.roots.at(-1) ?? '', { signers: rootKeys.slice(1), online: fresh, expires: END }),
      ];
      made.keys = fresh;
    },
    sign(options = {}) {
      return signBundle(made, options);
    },
  };
  return made;
}

/** A chunk with one plain route per hostname. */
export function chunkOf(hostnames: readonly string[], port = 8080): Chunk {
  return {
    routes: hostnames.map((hostname) => ({
      hostname,
      backends: [{ address: '10.100.1.1', port }],
      limits: { maxBodyBytes: 10 * 1024 * 1024 },
    })),
  };
}

export function edgeConfig(node: string, chunks: readonly string[]): EdgeConfig {
  return {
    format: 1,
    node,
    role: 'edge',
    network: { wireguard: '10.100.0.0/16' },
    wireguard: {
      address: '10.100.0.1',
      port: 51820,
      peers: [{ node: 'home', publicKey: `${'A'.repeat(43)}=`, address: '10.100.1.1' }],
    },
    controlPlane: { urls: ['https://control.hoge.com:8443'] },
    edge: {
      pool: 'default',
      members: [
        { node, recipient: `age1${'q'.repeat(58)}`, signingKey: 'A'.repeat(43), acmeThumbprint: 'B'.repeat(43) },
      ],
      acme: { server: 'https://acme.hoge.com/directory', email: 'ops@hoge.com' },
      chunks: chunks.map((text, index) => ({
        bucket: chunks.length === 1 ? '' : index.toString(16),
        sha256: sha256Hex(text),
        bytes: Buffer.byteLength(text),
      })),
    },
  };
}

function signBundle(made: Installation, options: SignOptions): SignedBundle {
  const { node = 'tokyo-1', version = NOW_MS, hostnames = ['app.hoge.com'], now = NOW_MS, lifetimes = {} } = options;
  const texts = hostnames.map((hostname) => canonicalJson(chunkOf([hostname])));
  const config = { ...edgeConfig(node, texts), ...options.config };
  const signed = signNode({
    node,
    config,
    commit: 'c'.repeat(40),
    version,
    now: new Date(now),
    keys: made.keys,
    lifetimes,
  });
  const { roots } = made;
  const chunks = Object.fromEntries(texts.map((text) => [sha256Hex(text), text]));
  return {
    signed,
    chunks,
    response: (root = 0) => responseOf(signed, roots, root, chunks),
    files: () => ({ roots: new Map(roots.map((text, index) => [index + 1, text])), ...signed }),
  };
}

/** What the control plane answers for a signed node. */
export function responseOf(
  signed: SignedNode,
  roots: readonly string[],
  root: number,
  chunks: Record<string, string>,
): BundleResponse {
  const files: Record<string, string> = {};
  for (const [index, text] of roots.entries()) if (index >= root) files[`${index + 1}.root.json`] = text;
  files['timestamp.json'] = signed.timestamp;
  files[`${signed.version}.snapshot.json`] = signed.snapshot;
  files[`${signed.version}.targets.json`] = signed.targets;
  files[`${signed.configHash}.config.json`] = signed.config;
  return { node: signed.node, files, chunks: { ...chunks } };
}
