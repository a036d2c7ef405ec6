// A repository in memory that behaves like the real one, and can be told to fail. For tests of whatever reads a Source.
import { createHash } from 'node:crypto';
import { KokoaError } from '../../bundle/error.ts';
import type { FileChange } from '../../reconciler/core/files.ts';
import type { Source } from '../../reconciler/ports/source.ts';

interface Commit {
  id: string;
  parent: string | undefined;
  tree: ReadonlyMap<string, Uint8Array>;
  committedMs: number;
}

export interface MemorySource extends Source {
  /** Adds a commit on the branch (or on `parent`; null: with an unrelated history) and moves the branch to it. A value of undefined deletes the file. */
  commit(files: Record<string, string | Uint8Array | undefined>, parent?: string | null): string;
  /** As a force push that also prunes: the commit and its descendants are gone. */
  prune(commit: string): void;
  deleteBranch(): void;
  /** The next `times` calls of `method` reject with `error`. */
  failNext(
    method: 'fetch' | 'newestKnown' | 'changes' | 'isAncestor' | 'history' | 'firstParents',
    error: unknown,
    times?: number,
  ): void;
  /** How often fetch was asked. */
  readonly fetches: number;
}

const DATA_FILE = /^(kokoa|(routes|origins|edges)\/.*)\.ya?ml$/s;
const FILE_BYTES_MAX = 1024 * 1024;

export function createMemorySource(): MemorySource {
  const commits = new Map<string, Commit>();
  const failures: { method: string; error: unknown }[] = [];
  let branch: string | undefined;
  let fetched: string | undefined;
  let fetches = 0;

  function failing(method: string): void {
    const at = failures.findIndex((failure) => failure.method === method);
    if (at >= 0) throw failures.splice(at, 1)[0]!.error;
  }

  function known(id: string): Commit {
    const commit = commits.get(id);
    if (!commit) throw new KokoaError('commit_missing', `commit ${id} is not in the repository`);
    return commit;
  }

  return {
    get fetches() {
      return fetches;
    },
    commit(files, on = branch) {
      const parent = on ?? undefined;
      const tree = new Map(parent === undefined ? [] : known(parent).tree);
      for (const [path, content] of Object.entries(files)) {
        if (content === undefined) tree.delete(path);
        else tree.set(path, typeof content === 'string' ? Buffer.from(content) : content);
      }
      const id = createHash('sha1').update(`${commits.size} ${parent}`).digest('hex');
      commits.set(id, { id, parent, tree, committedMs: Math.floor(Date.now() / 1000) * 1000 });
      branch = id;
      return id;
    },
    prune(gone) {
      for (const { id } of [...commits.values()]) if (ancestors(commits, id).includes(gone)) commits.delete(id);
    },
    deleteBranch() {
      branch = undefined;
    },
    failNext(method, error, times = 1) {
      for (let i = 0; i < times; i += 1) failures.push({ method, error });
    },
    async fetch() {
      fetches += 1;
      failing('fetch');
      if (branch === undefined) throw new KokoaError('branch_missing', 'the repository has no branch "main"');
      fetched = branch;
      return branch;
    },
    async newestKnown() {
      failing('newestKnown');
      return fetched;
    },
    async changes(from, to) {
      failing('changes');
      const after = known(to).tree;
      const before = from === undefined ? new Map<string, Uint8Array>() : known(from).tree;
      const paths = [...new Set([...before.keys(), ...after.keys()])].filter((path) => DATA_FILE.test(path)).sort();
      return paths
        .filter((path) => !same(before.get(path), after.get(path)))
        .map((path) => change(path, after.get(path)));
    },
    async contents(blob) {
      const trees = [...commits.values()].flatMap(({ tree }) => [...tree.values()]);
      return trees.find((content) => content.length <= FILE_BYTES_MAX && change('', content).blob === blob);
    },
    async isAncestor(ancestor, descendant) {
      failing('isAncestor');
      return commits.has(ancestor) && ancestors(commits, descendant).includes(ancestor);
    },
    async *history(path, commit, limit) {
      failing('history');
      let current = known(commit);
      for (let found = 0; found < limit && current.parent !== undefined; ) {
        const parent = known(current.parent);
        const older = parent.tree.get(path);
        if (!same(older, current.tree.get(path))) {
          if (!older) return;
          found += 1;
          yield change(path, older);
        }
        current = parent;
      }
    },
    async firstParents(from, to, limit) {
      failing('firstParents');
      known(to);
      const chain = ancestors(commits, to);
      const end = from !== undefined && chain.includes(from) ? chain.indexOf(from) : chain.length;
      return chain.slice(0, Math.min(end, limit)).map((id) => {
        const { parent, committedMs } = known(id);
        return { commit: id, parent, committedMs };
      });
    },
    async close() {},
  };
}

function ancestors(commits: ReadonlyMap<string, Commit>, from: string): string[] {
  const chain: string[] = [];
  for (let at = commits.get(from); at; at = at.parent === undefined ? undefined : commits.get(at.parent))
    chain.push(at.id);
  return chain;
}

function same(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && Buffer.compare(a, b) === 0);
}

function change(path: string, content: Uint8Array | undefined): FileChange {
  if (!content) return { path, blob: undefined };
  const blob = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
  return { path, blob, bytes: content.length > FILE_BYTES_MAX ? new Uint8Array(FILE_BYTES_MAX + 1) : content };
}
