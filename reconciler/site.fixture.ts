// A small installation for the tests of the reconciler's shell: a repository and a store in memory, real keys, a clock that is set by
// hand. Its data are files as people write them; what is published is read back as a node would.
import { createHash } from 'node:crypto';
import type { StatusReport } from '../bundle/api.ts';
import type { EdgeConfig, NodeConfig, OriginConfig } from '../bundle/config.ts';
import { generateOnlineKeys } from '../bundle/keys.ts';
import type { PackedChunk } from '../bundle/route-texts.ts';
import { createMemorySource } from '../test/fakes/memory-source.ts';
import { createMemoryStore, type MemoryStore } from '../test/fakes/memory-store.ts';
import { accessOf } from './core/access.ts';
import { NOTHING_SEALED } from './core/sealed.ts';
import { createEdgeHealth } from './edge-health.ts';
import type { Source } from './ports/source.ts';
import type { NodeReport, Store } from './ports/store.ts';
import type { Signing } from './publish.ts';
import { type Outcome, type Reconciler, reconcile } from './reconcile.ts';
import { recall, storedStanding } from './restore.ts';
import { NOTHING_YET, type Standing } from './standing.ts';

/** For sites whose routes ask for no password. */
const NO_SECRETS: Reconciler['secrets'] = { prepare: () => Promise.resolve(NONE) };
const NONE = { ...NOTHING_SEALED, complete: true };

const TOOK: StatusReport = {
  agentVersion: '1.0.0',
  state: 'applied',
  enrolment: { wireguardPublicKey: 'k', signingKey: 's', formats: [1] },
};

export const START_MS = Date.parse('2026-11-21T12:00:00Z');

export type Files = Record<string, string | undefined>;

export type Site = ReturnType<typeof createSite>;

/** `files` are the first commit. */
export function createSite(files: Files = FLEET, store: MemoryStore = createMemoryStore()) {
  const source = createMemorySource();
  const bytes = { read: 0 };
  const counted: Source = {
    ...source,
    async changes(from, to) {
      const changes = await source.changes(from, to);
      for (const change of changes) bytes.read += change.bytes?.length ?? 0;
      return changes;
    },
  };
  const clock = { ms: START_MS };
  const signing: Signing = { keys: generateOnlineKeys() };
  const restricted: Standing[] = [];
  const reports = new Map<string, NodeReport>();
  const heard: Reconciler['heard'] = {
    report: (node) => reports.get(node),
    lastSeenMs: (node) => reports.get(node)?.lastSeenMs,
  };
  const deps: Reconciler = {
    ...{ source: counted, store, signing, secrets: NO_SECRETS },
    ...{ heard, health: createEdgeHealth({ heard, now: () => performance.now() }) },
    now: () => new Date(clock.ms),
    timed: () => undefined,
    restricted: (standing) => void restricted.push(standing),
  };
  source.commit(files);
  const site = {
    ...{ source, store, clock, signing, deps, bytes, restricted, reports },
    standing: NOTHING_YET,
    /** Commits and makes one run. */
    async push(change: Files): Promise<Outcome> {
      source.commit(change);
      return site.run();
    },
    async run(fetch = true): Promise<Outcome> {
      clock.ms += 1000;
      const outcome = await reconcile(site.standing, deps, fetch);
      site.standing = outcome.standing;
      return outcome;
    },
    /** As a new process would find it. */
    async restart(): Promise<void> {
      site.standing = await recall(await storedStanding(store), deps);
    },
    /** These nodes took what is published for them, unless `said` says otherwise, and say so. */
    async hear(nodes: readonly string[], said: Partial<StatusReport> = {}): Promise<void> {
      for (const { node, configHash } of await store.nodes()) {
        if (!nodes.includes(node)) continue;
        const report: StatusReport = { ...TOOK, offered: configHash, applied: configHash, ...said };
        reports.set(node, { node, lastSeenMs: clock.ms, report });
      }
    },
    hosts: (edge = 'e1') => publishedHosts(store, edge),
    ports: (edge = 'e1') => publishedPorts(store, edge),
  };
  return site;
}

/** Hostname → `address:port` of its first backend, or why it has none, as an edge is told. */
export async function publishedHosts(store: Store, edge: string): Promise<Record<string, string>> {
  const config = (await configOf(store, edge)) as EdgeConfig;
  const hosts: Record<string, string> = {};
  for (const { sha256 } of config.edge.chunks) {
    for (const { hostname, backends, closed, redirect } of (JSON.parse((await store.blob(sha256))!) as PackedChunk)
      .routes) {
      const [first] = backends;
      hosts[hostname] = first ? `${first.address}:${first.port}` : (closed ?? redirect!.to);
    }
  }
  return hosts;
}

/** `tcp 25565` → `address:port` of its first backend, as an edge is told. */
export async function publishedPorts(store: Store, edge: string): Promise<Record<string, string>> {
  const { streams = [] } = ((await configOf(store, edge)) as EdgeConfig).edge;
  return Object.fromEntries(
    streams.map(({ protocol, port, backends: [first] }) => [`${protocol} ${port}`, `${first!.address}:${first!.port}`]),
  );
}

export async function configOf(store: Store, node: string): Promise<NodeConfig> {
  const published = (await store.nodes()).find((one) => one.node === node);
  if (!published) throw new Error(`nothing is published for ${node}`);
  return JSON.parse(published.config) as NodeConfig;
}

export async function portsOf(store: Store, origin: string): Promise<number[]> {
  return ((await configOf(store, origin)) as OriginConfig).origin.ports;
}

export async function peersOf(store: Store, node: string): Promise<string[]> {
  return (await configOf(store, node)).wireguard.peers.map((peer) => peer.node);
}

/** Everything a restart must find again: the exact documents and the head. */
export async function storedText(store: Store): Promise<string> {
  return JSON.stringify([await store.head(), await store.nodes()]);
}

/** Names of the published nodes. */
export async function publishedNodes(store: Store): Promise<string[]> {
  return (await store.nodes()).map(({ node }) => node);
}

/** `active`, …, or `unknown` where no file has the token: what the bearer of the token is told. */
export function stateOfToken(standing: Standing, token: string): string {
  return accessOf(standing.live).get(sha(token))?.state ?? 'unknown';
}

export function sha(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export const tokenOf = (name: string) => `token of ${name}`;

const key = (name: string) => createHash('sha256').update(`key of ${name}`).digest('base64');

export const kokoa = (more = '') => `controlPlane:
  urls:
    - https://control.hoge.com:8443
acme:
  server: https://ca.example/dir
teams:
  - name: hoge
    hostnames:
      - '*.hoge.com'
      - '*.both.com'
  - name: fuga
    hostnames:
      - '*.fuga.com'
      - '*.both.com'
network:
  wireguard: 10.100.0.0/16
pools:
  - name: default
${more}`;

export interface NodeText {
  token?: string | undefined;
  state?: string;
  generation?: number;
  teams?: string[];
}

const tokenLine = (name: string, { token = tokenOf(name) }: NodeText, hasToken: boolean) =>
  hasToken ? `token: sha256:${sha(token)}\n` : '';
const rest = ({ state, generation }: NodeText) =>
  `${state ? `state: ${state}\n` : ''}${generation ? `generation: ${generation}\n` : ''}`;

export const edge = (name: string, more: NodeText = {}) => `name: ${name}
address:
  ipv4: 198.51.100.${10 + Number(name.slice(1))}
wireguard:
  address: 10.100.0.${Number(name.slice(1))}
  publicKey: ${key(name)}
${tokenLine(name, more, !('token' in more) || more.token !== undefined)}${rest(more)}`;

export const origin = (name: string, more: NodeText = {}) => `name: ${name}
teams:
${(more.teams ?? ['hoge', 'fuga']).map((team) => `  - ${team}\n`).join('')}wireguard:
  address: 10.100.1.${Number(name.slice(1))}
  publicKey: ${key(name)}
${tokenLine(name, more, !('token' in more) || more.token !== undefined)}${rest(more)}`;

export const route = (hostname: string, to = 'o1', port = 8080) =>
  `hostname: ${hostname}\norigin: ${to}\nport: ${port}\n`;

/** kokoa.yaml where team hoge may have these public ports. */
export const granting = (ports: string, more = '') =>
  kokoa(more).replace(/( *)- name: hoge\n/, `$&$1  ports: [${ports}]\n`);

export const portRoute = (publicPort: number, port = 8080, more = '') =>
  `protocol: tcp\npublicPort: ${publicPort}\nproxyProtocol: true\norigin: o1\nport: ${port}\n${more}`;

/** Two edges, two origins, two routes. */
export const FLEET: Files = {
  'kokoa.yaml': kokoa(),
  'edges/e1.yaml': edge('e1'),
  'edges/e2.yaml': edge('e2'),
  'origins/o1.yaml': origin('o1'),
  'origins/o2.yaml': origin('o2'),
  'routes/hoge/app.yaml': route('app.hoge.com'),
  'routes/fuga/wiki.yaml': route('wiki.fuga.com', 'o2', 9000),
};

/** `count` routes of team hoge, for what counts hosts. */
export function manyRoutes(count: number, to = 'o1', port = 8080): Files {
  return Object.fromEntries(
    Array.from({ length: count }, (_, n) => [`routes/hoge/h${n}.yaml`, route(`h${n}.hoge.com`, to, port)]),
  );
}
