// A map whose versions share structure: an update costs the touched paths, older versions stay as they are, and two versions
// are compared without looking at what they share. It lets the published state live beside a candidate.

type Node<V> = Leaf<V> | Branch<V>;

/** Marks the nodes one update made itself, which it may change in place. */
type Owner = object;

interface Leaf<V> {
  owner: Owner;
  entries: Map<string, V>;
}

interface Branch<V> {
  owner: Owner;
  children: (Node<V> | undefined)[];
}

export interface PersistentMap<V> {
  readonly size: number;
  readonly root: Node<V> | undefined;
}

const BITS_PER_LEVEL = 5;
const CHILDREN = 1 << BITS_PER_LEVEL;
const LEAF_ENTRIES_MAX = 16;
/** 30 of 32 hash bits; below it a leaf only grows. */
const DEPTH_MAX = 6;

const NOTHING: PersistentMap<never> = { size: 0, root: undefined };

export function emptyMap<V>(): PersistentMap<V> {
  return NOTHING;
}

/** A new version with `updates` applied in order; the value undefined removes the key. `map` itself when there are none. */
export function updateMap<V>(
  map: PersistentMap<V>,
  updates: Iterable<readonly [string, V | undefined]>,
): PersistentMap<V> {
  const owner: Owner = {};
  let { size, root } = map;
  for (const [key, value] of updates) {
    const before = lookup({ size, root }, key);
    if (before === value) continue;
    if (before === undefined) size += 1;
    if (value === undefined) size -= 1;
    root = value === undefined ? without(root, owner, key, 0) : having(root, owner, key, value, 0);
  }
  return root === map.root ? map : size === 0 ? NOTHING : { size, root };
}

export function lookup<V>(map: PersistentMap<V> | undefined, key: string): V | undefined {
  let node = map?.root;
  for (let depth = 0; node !== undefined; depth += 1) {
    if ('entries' in node) return node.entries.get(key);
    node = node.children[slotOf(key, depth)];
  }
  return undefined;
}

/** Every entry, in no meaningful order: sort what leaves the process. */
export function* entriesOf<V>(map: PersistentMap<V> | undefined): Generator<[string, V]> {
  if (map?.root !== undefined) yield* entriesOfNode(map.root);
}

/** The keys whose values are not identical (`===`) in both versions, in no meaningful order. */
export function* changedKeys<V>(a: PersistentMap<V>, b: PersistentMap<V>): Generator<string> {
  yield* changedKeysOfNode(a.root, b.root);
}

function having<V>(node: Node<V> | undefined, owner: Owner, key: string, value: V, depth: number): Node<V> {
  if (node === undefined) return { owner, entries: new Map([[key, value]]) };
  if ('entries' in node) {
    const leaf = node.owner === owner ? node : { owner, entries: new Map(node.entries) };
    leaf.entries.set(key, value);
    return leaf.entries.size > LEAF_ENTRIES_MAX && depth < DEPTH_MAX ? split(leaf, owner, depth) : leaf;
  }
  const branch = ownBranch(node, owner);
  const slot = slotOf(key, depth);
  branch.children[slot] = having(branch.children[slot], owner, key, value, depth + 1);
  return branch;
}

function without<V>(node: Node<V> | undefined, owner: Owner, key: string, depth: number): Node<V> | undefined {
  if (node === undefined) return undefined;
  if ('entries' in node) {
    if (node.entries.size === 1) return undefined;
    const leaf = node.owner === owner ? node : { owner, entries: new Map(node.entries) };
    leaf.entries.delete(key);
    return leaf;
  }
  const branch = ownBranch(node, owner);
  const slot = slotOf(key, depth);
  branch.children[slot] = without(branch.children[slot], owner, key, depth + 1);
  return branch.children.every((child) => child === undefined) ? undefined : branch;
}

function split<V>(leaf: Leaf<V>, owner: Owner, depth: number): Branch<V> {
  const branch: Branch<V> = { owner, children: new Array(CHILDREN).fill(undefined) };
  for (const [key, value] of leaf.entries) {
    const slot = slotOf(key, depth);
    branch.children[slot] = having(branch.children[slot], owner, key, value, depth + 1);
  }
  return branch;
}

function ownBranch<V>(branch: Branch<V>, owner: Owner): Branch<V> {
  return branch.owner === owner ? branch : { owner, children: [...branch.children] };
}

function* entriesOfNode<V>(node: Node<V>): Generator<[string, V]> {
  if ('entries' in node) yield* node.entries;
  else for (const child of node.children) if (child !== undefined) yield* entriesOfNode(child);
}

function* changedKeysOfNode<V>(a: Node<V> | undefined, b: Node<V> | undefined): Generator<string> {
  if (a === b) return;
  if (a !== undefined && b !== undefined && 'children' in a && 'children' in b) {
    for (let slot = 0; slot < CHILDREN; slot += 1) yield* changedKeysOfNode(a.children[slot], b.children[slot]);
    return;
  }
  const before = new Map(a === undefined ? [] : entriesOfNode(a));
  const after = new Map(b === undefined ? [] : entriesOfNode(b));
  for (const [key, value] of before) if (after.get(key) !== value) yield key;
  for (const key of after.keys()) if (!before.has(key)) yield key;
}

/** Which child of a branch at `depth` holds `key`: five bits of its FNV-1a hash. */
function slotOf(key: string, depth: number): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at += 1) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return (hash >>> (depth * BITS_PER_LEVEL)) & (CHILDREN - 1);
}
