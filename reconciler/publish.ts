// Signing and publishing: only the nodes whose config changed are signed again, and all of it becomes visible at once or not at all.
import { canonicalJson, sha256Hex } from '../bundle/canonical.ts';
import type { NodeConfig } from '../bundle/config.ts';
import type { OnlineKeys } from '../bundle/keys.ts';
import { type Lifetimes, nextVersion, renewalDue, renewTimestamp, signNode } from '../bundle/sign.ts';
import { newBlobs } from './core/compile.ts';
import type { Offered } from './core/rollout/offered.ts';
import type { Rollout } from './core/rollout/rollout.ts';
import type { Publication, PublishedHead, PublishedNode, Store } from './ports/store.ts';

export interface Signing {
  keys: OnlineKeys;
  lifetimes?: Partial<Lifetimes>;
}

/** What was published before, and what was compiled for it. */
export interface Before {
  head: PublishedHead | undefined;
  nodes: ReadonlyMap<string, PublishedNode>;
  /** What was damaged in the store: signed anew, above its versions. */
  damaged: ReadonlyMap<string, PublishedNode>;
  offered: Offered | undefined;
  /** True when the store is known to hold every chunk of `offered`. */
  stored: boolean;
}

/** What the head says beside its number. */
interface Said {
  commit: string;
  overrideBase: string | undefined;
  rollout: Rollout | undefined;
}

export interface Published {
  head: PublishedHead;
  nodes: Map<string, PublishedNode>;
  damaged: Map<string, PublishedNode>;
  /** Names whose bundle changed, and names that are no longer served. */
  changed: string[];
  removed: string[];
}

/**
 * Publishes `candidate` as the state of `commit`. Nothing is written when nothing changed and the store has lost nothing.
 * Answers `conflict` when somebody else published since `before`.
 */
export async function publish(
  before: Before,
  candidate: Offered,
  { commit, overrideBase, rollout }: Said,
  store: Store,
  signing: Signing,
  now: Date,
): Promise<Published | 'conflict'> {
  const blobs = before.stored ? newBlobs(before.offered, candidate) : await lostBlobs(candidate, store);
  const nodes = [...candidate.nodes].flatMap(([node, { config }]) => {
    const known = before.nodes.get(node);
    if (known && hashes.get(config) === known.configHash) return [];
    const version = versionAfter(known ?? before.damaged.get(node), signing.keys, now);
    const signed = signNode({ node, config, commit, version, now, ...signing });
    hashes.set(config, signed.configHash);
    return signed.configHash === known?.configHash ? [] : [signed];
  });
  const removed = [...before.nodes.keys(), ...before.damaged.keys()].filter((node) => !candidate.nodes.has(node));
  return write(before, { commit, overrideBase, rollout, nodes, removed, blobs }, store);
}

/** A renewal, and why some nodes had to go without. */
export interface Renewed extends Published {
  failed: unknown[];
}

/**
 * Signs again what nears its end (at half-life) and what other keys signed. Undefined: nothing was due. What is wrong with one node keeps
 * no other from its renewal. @throws what the store throws; where no node could be renewed, why
 */
export async function renew(
  before: Before & { head: PublishedHead },
  store: Store,
  signing: Signing,
  now: Date,
): Promise<Renewed | 'conflict' | undefined> {
  const failed: unknown[] = [];
  const nodes = [...before.nodes.values()].flatMap((node) => {
    try {
      return renewedNode(node, before, signing, now) ?? [];
    } catch (error) {
      failed.push(error);
      return [];
    }
  });
  if (nodes.length === 0 && failed.length > 0) throw failed[0];
  if (nodes.length === 0) return undefined;
  const { commit, overrideBase, rollout } = before.head;
  const change = { commit, overrideBase, rollout, nodes, removed: [], blobs: new Map() };
  const written = await write(before, change, store);
  return written === 'conflict' ? written : { ...written, failed };
}

/** Undefined: nothing is due. */
function renewedNode(
  node: PublishedNode,
  { head, offered }: Before & { head: PublishedHead },
  signing: Signing,
  now: Date,
): PublishedNode | undefined {
  const due = renewalDue(node, now.getTime(), signing.lifetimes, signing.keys);
  if (due === 'nothing') return undefined;
  const version = versionAfter(node, signing.keys, now);
  if (due === 'timestamp') return renewTimestamp(node, { version, now, ...signing });
  // Only what was compiled here is signed: whoever can write to the store must not get a signature for it.
  const config = offered?.nodes.get(node.node)?.config;
  if (config === undefined || hashOf(config) !== node.configHash) return undefined;
  return signNode({ node: node.node, config, commit: head.commit, version, now, ...signing });
}

/**
 * Under replaced keys versions begin anew, so that a far-future version which a thief published is left behind; agents forget theirs
 * when all three online keys change. Of a damaged document nobody knows who signed it: then they go on.
 */
function versionAfter(published: PublishedNode | undefined, keys: OnlineKeys, now: Date): number {
  const roles = ['timestamp', 'snapshot', 'targets'] as const;
  const isOther = (text: string, keyId: string) => text.includes('"keyid":"') && !text.includes(`"keyid":"${keyId}"`);
  const replaced = published && roles.every((role) => isOther(published[role], keys[role].keyId));
  return nextVersion(replaced ? undefined : published?.timestampVersion, now.getTime());
}

/**
 * Of configs that were signed here. A config is immutable, and the compiler hands out the same object for as long as nothing touches
 * the node; signing a new one that says the same costs less than hashing each twice.
 */
const hashes = new WeakMap<NodeConfig, string>();

function hashOf(config: NodeConfig): string {
  const hash = hashes.get(config) ?? sha256Hex(canonicalJson(config));
  hashes.set(config, hash);
  return hash;
}

/** After a restart: the chunks that a crash, a damaged disk or other rules left the store without. */
async function lostBlobs({ blobs }: Offered, store: Store): Promise<Map<string, string>> {
  const lost = new Map<string, string>();
  for (const [sha256, text] of blobs) if ((await store.blob(sha256)) === undefined) lost.set(sha256, text);
  return lost;
}

type Change = Pick<Publication, 'nodes' | 'removed' | 'blobs'> & Said;

async function write(
  { head, nodes: old, damaged: lost }: Before,
  change: Change,
  store: Store,
): Promise<Published | 'conflict'> {
  const { overrideBase, rollout, ...rest } = change;
  const { commit, nodes: signed, removed, blobs } = rest;
  const [nodes, damaged] = [new Map(old), new Map(lost)];
  for (const node of [...removed, ...signed.map((one) => one.node)]) damaged.delete(node);
  for (const node of removed) nodes.delete(node);
  for (const node of signed) nodes.set(node.node, node);
  const changed = signed.map(({ node }) => node);
  const same = changed.length + removed.length + blobs.size === 0;
  const isSameRollout = canonicalJson(head?.rollout ?? null) === canonicalJson(rollout ?? null);
  if (head && head.commit === commit && same && isSameRollout) return { head, nodes, damaged, changed, removed };

  const said = { ...(overrideBase !== undefined && { overrideBase }), ...(rollout && { rollout }) };
  const written = await store.publish({ expected: head?.sequence, ...rest, ...said });
  if (written === 'conflict') return 'conflict';
  return { head: { sequence: (head?.sequence ?? 0) + 1, commit, ...said }, nodes, damaged, changed, removed };
}
