// What GitHub does in git, as the double's handlers ask for it; and the same in memory, for tests that need no repository.
import type { JsonObject } from './github-description.fixture.ts';
import { digest, type GithubState, type KeptPull } from './github-state.fixture.ts';

/** A new tree, or why GitHub refuses it. */
export type NewTree = { kind: 'tree'; sha: string } | { kind: 'refused'; message: string };

export interface GithubRepository {
  /** The commit of `refs/…`. */
  ref(name: string): Promise<string | undefined>;
  /** False: there is one of this name. */
  createRef(name: string, sha: string): Promise<boolean>;
  /** Whether a commit is known. */
  has(sha: string): Promise<boolean>;
  treeOf(commit: string): Promise<string | undefined>;
  /** Entries as GitHub takes them: `{path, content}` or `{path, sha: null}`. */
  createTree(base: string, entries: readonly JsonObject[]): Promise<NewTree>;
  /** Undefined: tree or a parent is not known. */
  createCommit(tree: string, message: string, parents: readonly string[]): Promise<string | undefined>;
  /** Whether a commit is one of those that a pull request proposes. */
  proposes(pull: KeptPull, sha: string): Promise<boolean>;
  /** Makes the head of a pull request what `refs/pull/N/head` names. */
  keepHead(pull: KeptPull): Promise<void>;
}

export function createMemoryRepository(state: GithubState): GithubRepository {
  return {
    ref: async (name) => state.refs.get(name),
    async createRef(name, sha) {
      if (state.refs.has(name)) return false;
      state.refs.set(name, sha);
      return true;
    },
    has: async (sha) => state.heads.has(sha),
    treeOf: async (commit) => state.commits.get(commit)?.tree,
    async createTree(base, entries) {
      const old = state.trees.get(base);
      if (old === undefined) return { kind: 'refused', message: 'base_tree is not a valid tree oid' };
      const files = new Map(old);
      for (const { path, sha, content } of entries) {
        if (sha === null && !files.delete(String(path))) return { kind: 'refused', message: 'GitRPC::BadObjectState' };
        if (typeof content === 'string') files.set(String(path), content);
      }
      const isSame = files.size === old.size && [...files].every(([path, text]) => old.get(path) === text);
      const sha = isSame ? base : digest(JSON.stringify([...files].sort()));
      state.trees.set(sha, files);
      return { kind: 'tree', sha };
    },
    async createCommit(tree, message, parents) {
      if (!state.trees.has(tree) || !parents.every((sha) => state.commits.has(sha))) return undefined;
      const sha = digest(JSON.stringify([tree, message, parents]));
      state.commits.set(sha, { tree, message, parents: [...parents] });
      state.heads.add(sha);
      return sha;
    },
    proposes: async ({ head }, sha) => head === sha,
    keepHead: async () => undefined,
  };
}
