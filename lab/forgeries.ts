// What somebody with a copy of what was published, or with the online keys, could send to an edge; and what the edge must call it.
import type { BundleResponse } from '../bundle/api.ts';
import type { NodeConfig } from '../bundle/config.ts';
import type { OnlineKeys } from '../bundle/keys.ts';
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
  bundle: BundleResponse;
  /** What `kokoa-agent once` must say; several where the order of checks is not promised. */
  codes: readonly string[];
}

const HOUR_MS = 3600 * 1000;

export function forgeries(material: Material): Forgery[] {
  const { newest, older, foreign, keys, otherKeys, otherRoot } = material;
  const fresh = signedAgain(newest, keys, new Date());
  const flips = Object.keys(fresh.files)
    .filter((name) => !name.endsWith('root.json'))
    .map((name) => ({ name: `a flipped byte in ${label(name)}`, bundle: flipFile(fresh, name), codes: ['bad_signature', 'bad_hash', 'malformed'] }));
  const mixed = { ...fresh, files: { ...fresh.files, ...only(newest, /snapshot|targets|config/) } };
  return [
    ...flips,
    { name: 'a flipped byte in a chunk', bundle: flipChunk(fresh), codes: ['bad_hash'] },
    { name: 'another node’s bundle', bundle: { ...foreign, node: newest.node }, codes: ['wrong_node'] },
    { name: 'an older bundle', bundle: older, codes: ['rollback'] },
    { name: 'an expired timestamp', bundle: signedAgain(newest, keys, new Date(Date.now() + 1), -2 * HOUR_MS), codes: ['expired'] },
    { name: 'mixed versions', bundle: mixed, codes: ['mixed_versions', 'missing_file'] },
    { name: 'a foreign root', bundle: foreignRoot(newest, otherKeys, otherRoot), codes: ['foreign_root', 'bad_signature'] },
  ];
}

/** The same config, signed now as a newer version. */
function signedAgain(bundle: BundleResponse, keys: OnlineKeys, now: Date, timestampMs = HOUR_MS): BundleResponse {
  const config = JSON.parse(find(bundle, /config\.json$/)) as NodeConfig;
  const version = now.getTime() + HOUR_MS;
  const signed = signNode({ node: config.node, config, commit: '0'.repeat(40), version, now, keys, lifetimes: { timestampMs } });
  const files = {
    'timestamp.json': signed.timestamp,
    [`${version}.snapshot.json`]: signed.snapshot,
    [`${version}.targets.json`]: signed.targets,
    [`${signed.configHash}.config.json`]: signed.config,
  };
  return { ...bundle, files };
}

function foreignRoot(bundle: BundleResponse, keys: OnlineKeys, root: string): BundleResponse {
  const forged = signedAgain(bundle, keys, new Date());
  return { ...forged, files: { '1.root.json': root, '2.root.json': root, ...forged.files } };
}

function flipFile(bundle: BundleResponse, name: string): BundleResponse {
  return { ...bundle, files: { ...bundle.files, [name]: flipped(bundle.files[name]!) } };
}

function flipChunk(bundle: BundleResponse): BundleResponse {
  const [sha256, text] = Object.entries(bundle.chunks)[0]!;
  return { ...bundle, chunks: { ...bundle.chunks, [sha256]: flipped(text) } };
}

/** One digit of the text becomes another: it still parses. */
function flipped(text: string): string {
  const at = text.search(/[0-8](?=[^0-9]*$)/);
  return text.slice(0, at) + String(Number(text[at]) + 1) + text.slice(at + 1);
}

function find(bundle: BundleResponse, pattern: RegExp): string {
  return bundle.files[Object.keys(bundle.files).find((name) => pattern.test(name))!]!;
}

function only(bundle: BundleResponse, pattern: RegExp): Record<string, string> {
  return Object.fromEntries(Object.entries(bundle.files).filter(([name]) => pattern.test(name)));
}

function label(name: string): string {
  return name.replace(/^[0-9a-f]+\./, '');
}
