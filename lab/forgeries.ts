// What somebody with a copy of what was published, or with the online keys, could send to an edge; and what the edge must call it.

import type { BundleResponse } from '../bundle/api.ts';
import { canonicalJson, sha256Hex } from '../bundle/canonical.ts';
import type { Chunk, EdgeConfig, NodeConfig } from '../bundle/config.ts';
import type { OnlineKeys } from '../bundle/keys.ts';
import type { VerifyCode } from '../bundle/refusal.ts';
import { signNode } from '../bundle/sign.ts';

export interface Material {
  /** The newest bundle of the edge, with all its chunks, and one from before. */
  newest: BundleResponse;
  older: BundleResponse;
  /** The newest bundle of another node. */
  foreign: BundleResponse;
  keys: OnlineKeys;
  /** A key set that nobody pinned, and its root. */
  otherKeys: OnlineKeys;
  otherRoot: string;
}

export interface Forgery {
  name: string;
  /** What the edge must say. */
  code: VerifyCode;
  bundle(material: Material): BundleResponse;
}

const HOUR_MS = 3600 * 1000;
/** Ten years. */
const FAR_MS = 87_600 * HOUR_MS;

/** In such an order that no two in a row are refused for the same reason: see hostile-siege.ts. */
export const FORGERIES: readonly Forgery[] = [
  {
    name: 'a flipped byte in timestamp.json',
    code: 'bad_signature',
    bundle: (material) => flippedIn(material, /timestamp/),
  },
  { name: 'a flipped byte in snapshot.json', code: 'bad_hash', bundle: (material) => flippedIn(material, /snapshot/) },
  {
    name: 'another node’s bundle',
    code: 'wrong_node',
    bundle: ({ foreign, newest }) => ({ ...foreign, node: newest.node }),
  },
  { name: 'a flipped byte in targets.json', code: 'bad_hash', bundle: (material) => flippedIn(material, /targets/) },
  { name: 'an older bundle', code: 'rollback', bundle: ({ older }) => older },
  { name: 'a flipped byte in config.json', code: 'bad_hash', bundle: (material) => flippedIn(material, /config/) },
  {
    name: 'an expired timestamp',
    code: 'expired',
    bundle: ({ newest, keys }) => signedAgain(newest, keys, -2 * HOUR_MS),
  },
  { name: 'a flipped byte in a chunk', code: 'bad_hash', bundle: flippedChunk },
  { name: 'mixed versions', code: 'mixed_versions', bundle: mixed },
  { name: 'a foreign root', code: 'foreign_root', bundle: foreignRoot },
];

/** What a thief would have an edge believe, if he can sign: its own routes to another port, as a version that nothing follows. */
export function takenOver(bundle: BundleResponse, keys: OnlineKeys, port: number): BundleResponse {
  const config = JSON.parse(find(bundle, /config\.json$/)) as EdgeConfig;
  const chunks: Record<string, string> = {};
  config.edge.chunks = config.edge.chunks.map((reference) => {
    const { routes } = JSON.parse(bundle.chunks[reference.sha256]!) as Chunk;
    const moved = routes.map((route) => ({ ...route, backends: route.backends.map((one) => ({ ...one, port })) }));
    const text = canonicalJson({ routes: moved });
    const sha256 = sha256Hex(text);
    chunks[sha256] = text;
    return { ...reference, sha256, bytes: Buffer.byteLength(text) };
  });
  const signed = sign(bundle, config, keys, { version: Date.now() + FAR_MS, timestampMs: FAR_MS });
  return { ...signed, chunks };
}

/** The same config, signed now by these keys as a newer version. */
function signedAgain(bundle: BundleResponse, keys: OnlineKeys, timestampMs = HOUR_MS): BundleResponse {
  const config = JSON.parse(find(bundle, /config\.json$/)) as NodeConfig;
  return sign(bundle, config, keys, { version: Date.now() + HOUR_MS, timestampMs });
}

function sign(
  bundle: BundleResponse,
  config: NodeConfig,
  keys: OnlineKeys,
  { version, timestampMs }: { version: number; timestampMs: number },
): BundleResponse {
  const now = new Date();
  const lifetimes = { timestampMs };
  const signed = signNode({ node: config.node, config, commit: '0'.repeat(40), version, now, keys, lifetimes });
  const files = {
    'timestamp.json': signed.timestamp,
    [`${version}.snapshot.json`]: signed.snapshot,
    [`${version}.targets.json`]: signed.targets,
    [`${signed.configHash}.config.json`]: signed.config,
  };
  return { ...bundle, files };
}

function mixed({ newest, keys }: Material): BundleResponse {
  const fresh = signedAgain(newest, keys);
  const stale = Object.entries(newest.files).filter(([name]) => /snapshot|targets|config/.test(name));
  return { ...fresh, files: { ...fresh.files, ...Object.fromEntries(stale) } };
}

function foreignRoot({ newest, otherKeys, otherRoot }: Material): BundleResponse {
  const forged = signedAgain(newest, otherKeys);
  return { ...forged, files: { '1.root.json': otherRoot, '2.root.json': otherRoot, ...forged.files } };
}

function flippedIn({ newest, keys }: Material, pattern: RegExp): BundleResponse {
  const fresh = signedAgain(newest, keys);
  const name = nameOf(fresh, pattern);
  return { ...fresh, files: { ...fresh.files, [name]: flipped(fresh.files[name]!) } };
}

function flippedChunk({ newest, keys }: Material): BundleResponse {
  const fresh = signedAgain(newest, keys);
  const [sha256, text] = Object.entries(fresh.chunks)[0]!;
  return { ...fresh, chunks: { ...fresh.chunks, [sha256]: flipped(text) } };
}

/** One digit of the text becomes another: it still parses. */
function flipped(text: string): string {
  const at = text.search(/[0-8](?=[^0-9]*$)/);
  return text.slice(0, at) + String(Number(text[at]) + 1) + text.slice(at + 1);
}

function find(bundle: BundleResponse, pattern: RegExp): string {
  return bundle.files[nameOf(bundle, pattern)]!;
}

function nameOf({ files }: BundleResponse, pattern: RegExp): string {
  const name = Object.keys(files).find((file) => pattern.test(file));
  if (name === undefined) throw new TypeError(`the bundle has no file like ${pattern}`);
  return name;
}
