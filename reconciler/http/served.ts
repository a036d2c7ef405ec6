// What HTTP serves, in memory: the loop writes it after each publish, requests read it. Law: a reader sees one published state of
// a node, never a mixture, and whoever waits for a node hears of every change.

import { ROOTS_PER_RESPONSE_MAX } from '../../bundle/limits.ts';
import type { Access } from '../core/access.ts';
import type { Service } from '../core/health/backend-standing.ts';
import type { RolloutView } from '../core/rollout/rollout-view.ts';
import type { PublishedNode, Store } from '../ports/store.ts';
import { createCertificateFinder, type WantedCertificate } from './served-certificates.ts';
import { createConfigReader, type ServedConfig } from './served-config.ts';
import { createTextCache } from './text-cache.ts';
import { createWaiters, type Wake } from './waiters.ts';

/** The desired state as people list it; sorted by name, routes of public ports after the others by protocol, port and pool. */
export interface Listing {
  routes: ListedRoute[];
  origins: ListedNode[];
  edges: (ListedNode & { pool: string })[];
  /** Whose records are written by a program. */
  zones?: { zone: string; provider: string }[];
  /** Whose tunnel address and port that are. */
  serviceAt?(address: string, port: number): Service | undefined;
}

/**
 * Has a `hostname`, or a `publicPort`. `origin`, `port` and `host` are those of the backend that is asked first; absent for a redirect.
 */
export interface ListedRoute extends Partial<Service> {
  hostname?: string;
  publicPort?: number;
  /** Layer 4 alone: `tls` with a hostname, the others with a public port. */
  protocol?: 'tls' | 'tcp' | 'udp';
  team?: string;
  pool?: string;
  /** All of them, in the order of the file, where there are several. */
  backends?: ListedBackend[];
  /** What goes elsewhere than the route. */
  paths?: (Partial<Service> & { prefix: string; backends?: ListedBackend[] })[];
  /** The URL that visitors are sent to. */
  redirect?: string;
  expiresAt?: string;
  file?: string;
}

export interface ListedBackend extends Service {
  weight?: number;
  backup?: true;
}

export interface ListedNode {
  name: string;
  state: string;
  /** Inside the WireGuard network. */
  address: string;
  generation: number;
}

/** How the loop is doing. */
export interface LoopHealth {
  lastSuccessMs?: number;
  /** Set while runs fail: since when, and the newest failure. */
  failure?: { sinceMs: number; code: string } | undefined;
  /** Set while the newest commit is held back. */
  held?: string | undefined;
}

export interface ServedChange {
  access?: ReadonlyMap<string, Access>;
  /** Keys that YAML pins, by node. */
  pins?: ReadonlyMap<string, { wireguardPublicKey?: string | undefined }>;
  nodes?: readonly PublishedNode[];
  removed?: readonly string[];
  listing?: Listing;
  /** Exact texts, version 1 first. */
  roots?: readonly string[];
  /** Something was published, now or before the restart. */
  ready?: boolean;
  health?: LoopHealth;
  /** Settings on their way, as of `now`. */
  rollout?: (now: Date) => RolloutView | undefined;
}

export interface ServedNode {
  readonly published: PublishedNode;
  readonly config: ServedConfig;
  /** Changes with the config, the timestamp and the roots. */
  readonly etag: string;
}

export interface Served {
  update(change: ServedChange): void;
  readonly access: ReadonlyMap<string, Access>;
  readonly listing: Listing;
  readonly ready: boolean;
  readonly health: LoopHealth;
  rollout(now: Date): RolloutView | undefined;
  pins(node: string): { wireguardPublicKey?: string | undefined };
  node(name: string): ServedNode | undefined;
  nodes(): Iterable<ServedNode>;
  /** The newest; 0: none yet. */
  readonly rootVersion: number;
  /** `N.root.json` → text, for the versions above `version`, as many as one response may bring. */
  rootsAbove(version: number): Record<string, string>;
  /** A chunk's text; undefined when the store lost it. */
  chunk(sha256: string): Promise<string | undefined>;
  /** The chunks of the node's config that its config `have` did not name; all when `have` is not known any more. */
  chunksBeyond(node: ServedNode, have: string | undefined): string[];
  /** A config this node was offered lately. */
  configOf(node: string, hash: string): ServedConfig | undefined;
  /** The certificate of this name by that config; undefined: it serves no host there. */
  certificate(config: ServedConfig, name: string): Promise<WantedCertificate | undefined>;
  /** Resolves when something about the node, the roots or anybody's access changed. */
  changeOf(node: string, timeoutMs: number, signal: AbortSignal): Promise<Wake>;
  /** The same for a pool's mailbox, which `poolChanged` announces. */
  changeOfPool(pool: string, timeoutMs: number, signal: AbortSignal): Promise<Wake>;
  poolChanged(pool: string): void;
  readonly waiting: number;
  /** Ends every wait. */
  close(): void;
}

/** Configs remembered per node: an agent that is further behind gets all chunks. */
const CONFIGS_KEPT = 8;
/** Chunks in memory; 100 000 routes are 9 million characters. */
const CHUNK_CHARS_MAX = 48 * 1024 * 1024;

export function createServed(store: Pick<Store, 'blob'>): Served {
  const nodes = new Map<string, ServedNode>();
  const history = new Map<string, ServedConfig[]>();
  const chunks = createTextCache(CHUNK_CHARS_MAX);
  const waiters = createWaiters();
  const readConfig = createConfigReader();
  const current: Required<Omit<ServedChange, 'nodes' | 'removed'>> = {
    access: new Map(),
    pins: new Map(),
    listing: { routes: [], origins: [], edges: [] },
    roots: [],
    ready: false,
    health: {},
    rollout: () => undefined,
  };

  function put(published: PublishedNode): void {
    const { node, configHash, timestampVersion } = published;
    const etag = `"${configHash}.${timestampVersion}.${current.roots.length}"`;
    const before = nodes.get(node);
    if (before?.etag === etag) return;
    const config = before?.config.hash === configHash ? before.config : readConfig(configHash, published.config);
    nodes.set(node, { published, config, etag });
    const older = (history.get(node) ?? []).filter(({ hash }) => hash !== configHash);
    history.set(node, [config, ...older].slice(0, CONFIGS_KEPT));
    waiters.wake(nodeKey(node));
  }

  const served: Served = {
    update({ nodes: changed, removed, ...rest }) {
      const newAccess = rest.access !== undefined && rest.access !== current.access;
      const newRoots = rest.roots !== undefined && rest.roots.length !== current.roots.length;
      for (const [key, value] of Object.entries(rest))
        if (value !== undefined) Object.assign(current, { [key]: value });
      for (const name of removed ?? []) {
        nodes.delete(name);
        history.delete(name);
        waiters.wake(nodeKey(name));
      }
      for (const published of changed ?? []) put(published);
      if (newRoots) for (const { published } of [...nodes.values()]) put(published);
      if (newAccess) waiters.wakeAll();
    },
    get access() {
      return current.access;
    },
    get listing() {
      return current.listing;
    },
    get ready() {
      return current.ready;
    },
    get health() {
      return current.health;
    },
    rollout: (now) => current.rollout(now),
    pins: (node) => current.pins.get(node) ?? {},
    node: (name) => nodes.get(name),
    nodes: () => nodes.values(),
    get rootVersion() {
      return current.roots.length;
    },
    rootsAbove(version) {
      const texts = current.roots.map((text, index) => [`${index + 1}.root.json`, text] as const);
      return Object.fromEntries(texts.slice(version, version + ROOTS_PER_RESPONSE_MAX));
    },
    async chunk(sha256) {
      const held = chunks.get(sha256);
      if (held !== undefined) return held;
      const text = await store.blob(sha256);
      if (text !== undefined) chunks.set(sha256, text);
      return text;
    },
    chunksBeyond({ published, config }, have) {
      const known = new Set(have === undefined ? [] : served.configOf(published.node, have)?.chunks.values());
      return [...config.chunks.values()].filter((sha256) => !known.has(sha256));
    },
    configOf: (node, hash) => history.get(node)?.find((config) => config.hash === hash),
    certificate: createCertificateFinder((sha256) => served.chunk(sha256)),
    changeOf: (node, timeoutMs, signal) => waiters.wait(nodeKey(node), timeoutMs, signal),
    changeOfPool: (pool, timeoutMs, signal) => waiters.wait(poolKey(pool), timeoutMs, signal),
    poolChanged: (pool) => waiters.wake(poolKey(pool)),
    get waiting() {
      return waiters.count;
    },
    close: () => waiters.close(),
  };
  return served;
}

const nodeKey = (node: string) => `node ${node}`;
const poolKey = (pool: string) => `pool ${pool}`;
