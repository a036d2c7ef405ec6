// What the server itself must know of a published config: which chunks it names, and who orders certificates by it.

import { sha256Hex } from '../../bundle/canonical.ts';
import type { EdgePart, NodeConfig } from '../../bundle/config.ts';
import type { PackedChunk, PackedRoute } from '../../bundle/route-texts.ts';

export interface ServedConfig {
  hash: string;
  /** Edges only. */
  pool?: string;
  /** Member of the pool → thumbprint of its ACME account, where it has one. */
  thumbprints: ReadonlyMap<string, string | undefined>;
  /** age recipient of the pool's escrow key; absent: none. */
  escrow?: string;
  /** The least number of the pool's identity; absent: any. */
  identityEpoch?: number;
  /** Compromised edges of the pool: how many. */
  compromised?: number;
  /** Edges only: where certificates are ordered, URLs of ACME directories. */
  acmeServers: readonly string[];
  /** How many. */
  peers: number;
  /** Next WireGuard keys of peers that replace theirs; nearly always none. */
  nextKeys: readonly string[];
  /** Bucket → sha256. Equal lists are one object. */
  chunks: ReadonlyMap<string, string>;
}

const LISTS_KEPT_MAX = 64;

/** Reads exact config texts; lists that many nodes share are kept once. */
export function createConfigReader(): (hash: string, text: string) => ServedConfig {
  const lists = new Map<string, ReadonlyMap<string, string>>();
  const shared = (references: { bucket: string; sha256: string }[]) => {
    const key = sha256Hex(references.map(({ sha256 }) => sha256).join());
    const known = lists.get(key) ?? new Map(references.map(({ bucket, sha256 }) => [bucket, sha256]));
    lists.delete(key);
    lists.set(key, known);
    if (lists.size > LISTS_KEPT_MAX) lists.delete(lists.keys().next().value!);
    return known;
  };
  return (hash, text) => {
    const config = JSON.parse(text) as NodeConfig;
    const peers = config.wireguard.peers.length;
    const nextKeys = config.wireguard.peers.flatMap(({ nextPublicKey }) => nextPublicKey ?? []);
    if (config.role !== 'edge')
      return { hash, peers, nextKeys, acmeServers: [], thumbprints: new Map(), chunks: new Map() };
    const { pool, members, acme, chunks, escrow, identityEpoch, compromised } = config.edge;
    return {
      hash,
      peers,
      nextKeys,
      pool,
      ...(escrow !== undefined && { escrow }),
      ...(identityEpoch !== undefined && { identityEpoch }),
      ...(compromised !== undefined && { compromised: compromised.length }),
      acmeServers: serversOf(acme),
      thumbprints: new Map(members.map(({ node, acmeThumbprint }) => [node, acmeThumbprint])),
      chunks: shared(chunks),
    };
  };
}

function serversOf(acme: EdgePart['acme'] & { fallback?: { server: string } }): string[] {
  return [acme.server, ...(acme.fallback ? [acme.fallback.server] : [])];
}

/** The sha256 of the chunk that holds `hostname`, if any does. */
export function chunkOf(config: ServedConfig, hostname: string): string | undefined {
  const [bucket] = config.chunks.keys();
  return bucket === undefined ? undefined : config.chunks.get(sha256Hex(hostname).slice(0, bucket.length));
}

/** The host as the chunk has it. */
export function routeIn(chunkText: string, hostname: string): PackedRoute | undefined {
  return (JSON.parse(chunkText) as PackedChunk).routes.find((route) => route.hostname === hostname);
}
