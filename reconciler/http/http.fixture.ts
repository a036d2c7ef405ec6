// A small installation behind a real server on loopback: two edges of one pool, one origin, a store in memory. For the tests here.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { signReport } from '../../bundle/announcement.ts';
import type { Enrolment, LeaseQuestion, StatusReport } from '../../bundle/api.ts';
import { canonicalJson, sha256Hex } from '../../bundle/canonical.ts';
import type { EdgeConfig, NodeConfig, WireRoute } from '../../bundle/config.ts';
import { signRelayed } from '../../bundle/relayed.ts';
import { createMemoryStore } from '../../test/fakes/memory-store.ts';
import { createLog } from '../adapters/log.ts';
import { createMetrics } from '../adapters/metrics.ts';
import { mintToken } from '../adapters/token-mint.ts';
import type { Access } from '../core/access.ts';
import { ORDER_LIMITS_DEFAULT } from '../core/order-budget.ts';
import { judgeToken } from '../core/token.ts';
import type { PublishedNode } from '../ports/store.ts';
import type { HttpDeps } from './deps.ts';
import { openFleetReports } from './fleet-reports.ts';
import { createServed } from './served.ts';
import { createHttpApp, listen } from './server.ts';

export const NODE_PATH = '/api/v1/edge-nodes/me';
const NODES = { a: 'edge', b: 'edge', home: 'origin' } as const;
export type NodeName = keyof typeof NODES;

export type Installation = Awaited<ReturnType<typeof install>>;

export async function install(change: Partial<HttpDeps> = {}) {
  const store = createMemoryStore();
  const served = createServed(store);
  const reports = await openFleetReports(store, Date.now());
  const calls = { push: 0, pullRequest: 0, enrolment: 0 };
  const clock = { offsetMs: 0 };
  const lines: string[] = [];
  /** Edges that count as silent. */
  const silent = new Set<string>();
  const now = () => new Date(Date.now() + clock.offsetMs);
  const minted = {} as Record<NodeName, { token: string; sha256: string }>;
  const access = new Map<string, Access>();
  for (const node of Object.keys(NODES) as NodeName[]) {
    minted[node] = await mintToken({ node, generation: 1 });
    access.set(minted[node].sha256, { node, role: NODES[node], generation: 1, state: 'active' });
  }
  served.update({ access, roots: ['root one', 'root two'] });
  const deps: HttpDeps = {
    store,
    served,
    reports,
    health: { silent: () => silent },
    orderLimits: () => ORDER_LIMITS_DEFAULT,
    orderServer: () => 'https://ca.example.com/dir',
    judge: (token) => judgeToken(token, served.access, now()),
    branch: 'main',
    onReport: () => undefined,
    onPullRequest() {
      calls.pullRequest += 1;
    },
    onPush() {
      calls.push += 1;
    },
    onEnrolment() {
      calls.enrolment += 1;
    },
    clock: now,
    log: createLog({ format: 'json', level: 'debug', write: (line) => void lines.push(line) }),
    metrics: createMetrics(),
    ...change,
  };
  const server = await listen(createHttpApp(deps), { host: '127.0.0.1', port: 0, development: true, log: deps.log });

  const ask = (path: string, init: RequestInit & { as?: NodeName } = {}) => {
    const { as, ...rest } = init;
    const headers = new Headers(rest.headers);
    if (as) headers.set('authorization', `Bearer ${minted[as].token}`);
    return fetch(server.url + path, { ...rest, headers });
  };
  return {
    ...{ store, served, reports, calls, clock, lines, silent, deps, server, access, ask },
    token: (node: NodeName) => minted[node].token,
    post: (as: NodeName, path: string, body: unknown, method = 'POST') =>
      ask(path, { as, method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    /** Changes what git says of a node's slot. */
    setAccess(node: NodeName, slot: Partial<Access>) {
      const next = new Map(served.access);
      next.set(minted[node].sha256, { ...next.get(minted[node].sha256)!, ...slot });
      served.update({ access: next });
    },
    /** Publishes a config per node, in the store and in the served view. */
    async publish(configs: NodeConfig[], chunks: string[] = [], timestampVersion = 1) {
      const nodes = configs.map((config) => publishedNode(config, timestampVersion));
      const blobs = new Map(chunks.map((text) => [sha256Hex(text), text]));
      const expected = (await store.head())?.sequence;
      await store.publish({ expected, commit: 'c', nodes, removed: [], blobs });
      served.update({ nodes, ready: true });
      return nodes;
    },
    async close() {
      served.close();
      await server.close();
    },
  };
}

export function publishedNode(config: NodeConfig, timestampVersion = 1): PublishedNode {
  const text = canonicalJson(config);
  const { node } = config;
  const texts = {
    timestamp: `timestamp of ${node} "${timestampVersion}"\n`,
    snapshot: `snapshot of ${node}`,
    targets: `targets of ${node}`,
  };
  return {
    node,
    version: 7,
    timestampVersion,
    configHash: sha256Hex(text),
    timestampExpiresMs: 1,
    ...texts,
    config: text,
  };
}

export function chunk(routes: (Partial<WireRoute> & { hostname: string })[]): string {
  const limits = { maxBodyBytes: 1 };
  return canonicalJson({
    routes: routes.map((route) => ({ backends: [{ address: '10.100.1.1', port: 8080 }], limits, ...route })),
  });
}

/** An edge whose pool has the members a and b, with accounts. `texts`: its chunks, one, or sixteen by first digit. */
export function edgeConfig(node: NodeName, texts: string[], change: Partial<EdgeConfig['edge']> = {}): NodeConfig {
  const members = (['a', 'b'] as const).map((name) => ({
    node: name,
    recipient: RECIPIENT,
    signingKey: 'k',
    acmeThumbprint: `account-${name}`,
  }));
  const chunks = texts.map((text, index) => ({
    bucket: texts.length === 1 ? '' : index.toString(16),
    sha256: sha256Hex(text),
    bytes: text.length,
  }));
  return {
    ...common(node),
    role: 'edge',
    edge: { pool: 'default', members, acme: { server: 'https://ca.example.com/dir' }, chunks, ...change },
  };
}

export function originConfig(node: NodeName): NodeConfig {
  return { ...common(node), role: 'origin', origin: { ports: [8080] } };
}

function common(node: string) {
  const wireguard = { address: '10.100.0.1', peers: [] };
  return {
    format: 1 as const,
    node,
    network: { wireguard: '10.100.0.0/16' },
    wireguard,
    controlPlane: { urls: ['https://control.example.com'] },
  };
}

export const RECIPIENT = `age1${'q'.repeat(58)}`;

export function keys(): { privateKey: KeyObject; signingKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return { privateKey, signingKey: publicKey.export({ format: 'jwk' }).x! };
}

/** Of `enrolment()`. */
const KEYS = keys();

export function enrolment(change: Partial<Enrolment> = {}): Enrolment {
  return {
    wireguardPublicKey: `${'A'.repeat(43)}=`,
    signingKey: KEYS.signingKey,
    recipient: RECIPIENT,
    formats: [1],
    ...change,
  };
}

/** Newer than every one before, and signed: by the machine of `enrolment()` for node a, unless told otherwise. */
export function report(
  change: Partial<StatusReport> = {},
  by: { node?: NodeName; signingKey?: KeyObject; sequence?: number } = {},
): StatusReport {
  const unsigned: StatusReport = { agentVersion: '0.1.0', state: 'applied', enrolment: enrolment(), ...change };
  sequence += 1;
  return signReport(unsigned, { node: 'a', signingKey: KEYS.privateKey, sequence, ...by });
}

/** Of node a, by the machine of `enrolment()`. */
export function leaseQuestion(name: string, server: string): LeaseQuestion {
  const question = { kind: 'lease', name, server, renewal: false, by: 'a' } as const;
  return signRelayed<LeaseQuestion>(question, KEYS.privateKey);
}

/** A machine with keys of its own, as it reports: the same one each time. `letter`: one of its WireGuard key. */
export function machineOf(node: NodeName, letter: string) {
  const own = keys();
  const { recipient: _, ...shared } = enrolment({
    wireguardPublicKey: `${letter.repeat(42)}A=`,
    signingKey: own.signingKey,
  });
  const isEdge = NODES[node] === 'edge';
  const enrolled = { ...shared, ...(isEdge && { recipient: `age1${letter.toLowerCase().repeat(58)}` }) };
  return (change: Partial<StatusReport> = {}) =>
    report({ enrolment: enrolled, ...change }, { node, signingKey: own.privateKey });
}

/** Node a, as it signs what it says of orders. */
export const SIGNER = { signingKey: KEYS.privateKey, view: () => ({ config: { node: 'a' } }) };

let sequence = 0;
