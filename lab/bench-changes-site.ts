// What an edge is told in a thousand changes: the same fleet, and in every change one hostname goes to the other backend, one is new and the
// one before that is gone. Signed as a reconciler signs, chunked as it chunks, so that a change of 100 000 routes is made in a moment.
import type { BundleResponse } from '../bundle/api.ts';
import { canonicalJson, sha256Hex } from '../bundle/canonical.ts';
import type { ChunkReference, EdgeConfig, WireRoute } from '../bundle/config.ts';
import { generateKey, generateOnlineKeys } from '../bundle/keys.ts';
import { createRoot, rootFingerprint } from '../bundle/root.ts';
import { nextVersion, type SignedNode, signNode } from '../bundle/sign.ts';
import {
  type ChunkEntry,
  type ChunkSet,
  chunkReferences,
  emptyChunks,
  updateChunks,
} from '../reconciler/core/chunks.ts';
import {
  announcements,
  EDGE_NODE,
  type Fleet,
  fleetFiles,
  originAddress,
  plainRoutes,
  routeName,
} from './bench-edge-fleet.ts';
import { tellEdge } from './bench-edge-told.ts';

/** The tunnel network is on loopback, and no other lab's. */
export const CHANGES_FLEET: Fleet = { prefix: '127.21', teams: 1, origins: 1 };
const COMMIT = '0'.repeat(40);
const RECIPIENT = `age1${'q'.repeat(58)}`;
const ROOT_MS = 24 * 60 * 60 * 1_000;

/** Where the two services are that a hostname moves between. */
export interface Backends {
  /** Ports on `backendAddress`. */
  readonly ports: readonly [number, number];
}

/** One change: this hostname goes to the service with this index from now on. */
export interface Move {
  readonly hostname: string;
  readonly backend: 0 | 1;
}

export interface Site {
  /** sha256 of the root that the agent pins. */
  readonly fingerprint: string;
  readonly hostnames: readonly string[];
  /** Everything, as an agent gets it that has nothing. */
  whole(): BundleResponse;
  /** The next change, as an agent gets it that has all before. */
  next(): { move: Move; bundle: BundleResponse };
}

export const backendAddress = originAddress(CHANGES_FLEET.prefix, 0);

/** `routes` hostnames, each at the first service. `apart`: each at a port of its own there, where nobody answers. */
export function createSite(routes: number, { ports }: Backends, apart?: 'apart'): Site {
  const keys = generateOnlineKeys();
  const expires = new Date(Date.now() + ROOT_MS);
  const root = createRoot({ rootKeys: [generateKey()], threshold: 1, online: keys, expires });
  const { base, pattern } = compiledBase();
  const hostnames = Array.from({ length: routes }, (_, index) => routeName(index, CHANGES_FLEET.teams));
  const entry = (hostname: string, port: number) => entryOf(pattern, hostname, port);
  const first = (index: number) => (apart ? 10_000 + (index % 50_000) : ports[0]);
  let set = updateChunks(emptyChunks(), byHostname(hostnames.map((hostname, index) => entry(hostname, first(index)))));
  let signed = sign(set);
  let count = 0;

  function sign(chunks: ChunkSet<ChunkEntry>, previous?: SignedNode): SignedNode {
    const config: EdgeConfig = { ...base, edge: { ...base.edge, chunks: chunkReferences(chunks) } };
    const now = new Date();
    const version = nextVersion(previous?.timestampVersion, now.getTime());
    return signNode({ node: EDGE_NODE, config, commit: COMMIT, version, now, keys });
  }

  function response(chunks: readonly (readonly [string, string])[], roots: Record<string, string>): BundleResponse {
    const files = {
      ...roots,
      'timestamp.json': signed.timestamp,
      [`${signed.version}.snapshot.json`]: signed.snapshot,
      [`${signed.version}.targets.json`]: signed.targets,
      [`${signed.configHash}.config.json`]: signed.config,
    };
    return { node: EDGE_NODE, files, chunks: Object.fromEntries(chunks) };
  }

  return {
    ...{ fingerprint: rootFingerprint(root), hostnames },
    whole: () => response(textsOf(set), { '1.root.json': root }),

    next() {
      const move = moveAt(hostnames, count);
      const had = new Set(textsOf(set).map(([sha256]) => sha256));
      const changes = new Map<string, ChunkEntry | undefined>([
        [move.hostname, entry(move.hostname, ports[move.backend])],
        [passing(count), entry(passing(count), ports[0])],
        [passing(count - 1), undefined],
      ]);
      set = updateChunks(set, changes);
      signed = sign(set, signed);
      count += 1;
      return {
        move,
        bundle: response(
          textsOf(set).filter(([sha256]) => !had.has(sha256)),
          {},
        ),
      };
    },
  };
}

/** The change at `count` (from 0): every hostname in turn, to the second service and then back. */
export function moveAt(hostnames: readonly string[], count: number): Move {
  const backend = Math.floor(count / hostnames.length) % 2 ? 0 : 1;
  return { hostname: hostnames[count % hostnames.length]!, backend };
}

/** A hostname that is there for one change. */
function passing(count: number): string {
  return `passing-${count}.${routeName(0, CHANGES_FLEET.teams).split('.').slice(1).join('.')}`;
}

/** From YAML, through loader, rules and compiler: the config without routes, and what a plain route is on the wire. */
function compiledBase(): { base: EdgeConfig; pattern: WireRoute } {
  const files = { ...fleetFiles(CHANGES_FLEET), ...plainRoutes(1, CHANGES_FLEET) };
  const given = { enrolments: announcements(CHANGES_FLEET, RECIPIENT), sealed: { of: () => undefined } };
  const { config, chunks } = tellEdge(files, given);
  return { base: config, pattern: chunks[0]!.routes[0]! };
}

function entryOf(pattern: WireRoute, hostname: string, port: number): ChunkEntry {
  const route: WireRoute = { ...pattern, hostname, backends: [{ address: backendAddress, port }] };
  return { hostname, digest: sha256Hex(hostname), text: canonicalJson(route) };
}

function byHostname(entries: readonly ChunkEntry[]): Map<string, ChunkEntry> {
  return new Map(entries.map((entry) => [entry.hostname, entry]));
}

/** sha256 → text of every chunk. */
function textsOf(set: ChunkSet<ChunkEntry>): [ChunkReference['sha256'], string][] {
  return [...set.buckets.values()].map(({ reference, text }) => [reference.sha256, text]);
}
