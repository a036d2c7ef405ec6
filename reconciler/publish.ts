// Signing and publishing: only the nodes whose config changed are signed again, and all of it becomes visible at once or not at all.
import { canonicalJson, sha256Hex } from '../bundle/canonical.ts';
import type { OnlineKeys } from '../bundle/keys.ts';
import { type Lifetimes, nextVersion, renewalDue, renewTimestamp, signNode } from '../bundle/sign.ts';
import { type Compiled, newBlobs } from './core/compile.ts';
import type { Publication, PublishedHead, PublishedNode, Store } from './ports/store.ts';

export interface Signing {
  keys: OnlineKeys;
  lifetimes?: Partial<Lifetimes>;
}

/** What was published before, and what it was compiled from (undefined after a restart: every config is compared by hash). */
export interface Before {
  head: PublishedHead | undefined;
  nodes: ReadonlyMap<string, PublishedNode>;
  compiled: Compiled | undefined;
}

export interface Published {
  head: PublishedHead;
  nodes: Map<string, PublishedNode>;
  /** Names whose bundle changed, and names that are no longer served. */
  changed: string[];
  removed: string[];
}

/**
 * Publishes `candidate` as the state of `commit`. Nothing is written when nothing changed.
 * Answers `conflict` when somebody else published since `before`.
 */
export async function publish(
  before: Before,
  candidate: Compiled,
  commit: string,
  overrideBase: string | undefined,
  store: Store,
  signing: Signing,
  now: Date,
): Promise<Published | 'conflict'> {
  const signed = changedNodes(before, candidate).map(([node, { config }]) => {
    const version = nextVersion(before.nodes.get(node)?.timestampVersion, now.getTime());
    return signNode({ node, config, commit, version, now, ...signing });
  });
  const removed = [...before.nodes.keys()].filter((node) => !candidate.nodes.has(node));
  return write(before, { commit, overrideBase, nodes: signed, removed, blobs: newBlobs(before.compiled, candidate) }, store);
}

/** Re-makes what nears its end (DESIGN §7: at half-life). Undefined: nothing was due. */
export async function renew(
  before: Before & { head: PublishedHead },
  store: Store,
  signing: Signing,
  now: Date,
): Promise<Published | 'conflict' | undefined> {
  const nodes = [...before.nodes.values()].flatMap((node) => {
    const due = renewalDue(node, now.getTime(), signing.lifetimes, signing.keys);
    if (due === 'nothing') return [];
    const version = nextVersion(node.timestampVersion, now.getTime());
    if (due === 'timestamp') return [renewTimestamp(node, { version, now, ...signing })];
    const config = before.compiled?.nodes.get(node.node)?.config;
    return config ? [signNode({ node: node.node, config, commit: before.head.commit, version, now, ...signing })] : [];
  });
  if (nodes.length === 0) return undefined;
  const { commit, overrideBase } = before.head;
  return write(before, { commit, overrideBase, nodes, removed: [], blobs: new Map() }, store);
}

function changedNodes({ compiled, nodes }: Before, candidate: Compiled) {
  return [...candidate.nodes].filter(([node, { config }]) => {
    const published = nodes.get(node);
    if (!published) return true;
    if (compiled?.nodes.get(node)?.config === config) return false;
    return published.configHash !== sha256Hex(canonicalJson(config));
  });
}

type Change = Pick<Publication, 'commit' | 'nodes' | 'removed' | 'blobs'> & { overrideBase: string | undefined };

async function write({ head, nodes: old }: Before, change: Change, store: Store): Promise<Published | 'conflict'> {
  const { overrideBase, ...rest } = change;
  const { commit, nodes: signed, removed } = rest;
  const nodes = new Map(old);
  for (const node of removed) nodes.delete(node);
  for (const node of signed) nodes.set(node.node, node);
  const changed = signed.map(({ node }) => node);
  if (head && head.commit === commit && changed.length + removed.length === 0) return { head, nodes, changed, removed };

  const override = overrideBase === undefined ? {} : { overrideBase };
  const written = await store.publish({ expected: head?.sequence, ...rest, ...override });
  if (written === 'conflict') return 'conflict';
  return { head: { sequence: (head?.sequence ?? 0) + 1, commit, ...override }, nodes, changed, removed };
}
