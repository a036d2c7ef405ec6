// What GitHub does in git, in a real bare repository: whoever fetches from it sees what the API made.
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from './github-description.fixture.ts';
import { type Git, gitIn, isSha, NO_COMMIT } from './github-git.fixture.ts';
import type { GithubRepository, NewTree } from './github-repository.fixture.ts';

/** `directory` is a bare repository that nobody packs or prunes meanwhile. */
export function createGitRepository(directory: string): GithubRepository {
  const git = gitIn(directory);
  const has = async (sha: string, type: 'commit' | 'tree' = 'commit') =>
    isSha(sha) && (await git.attempt(['cat-file', '-e', `${sha}^{${type}}`])).exitCode === 0;
  const isIn = async (sha: string, head: string) =>
    (await git.attempt(['merge-base', '--is-ancestor', sha, head])).exitCode === 0;

  return {
    has,
    async ref(name) {
      const { exitCode, stdout } = await git.attempt(['show-ref', '--verify', '--hash', '--', name]);
      return exitCode === 0 ? stdout : undefined;
    },
    // The old value makes it one of two that come at the same moment.
    createRef: async (name, sha) => (await git.attempt(['update-ref', '--', name, sha, NO_COMMIT])).exitCode === 0,
    treeOf: async (commit) => ((await has(commit)) ? git.run(['rev-parse', `${commit}^{tree}`]) : undefined),
    async createTree(base, entries) {
      if (!(await has(base, 'tree'))) return { kind: 'refused', message: 'base_tree is not a valid tree oid' };
      const index = join(directory, `index-of-api-${randomUUID()}`);
      try {
        return await changedTree(git, index, base, entries);
      } finally {
        await rm(index, { force: true });
      }
    },
    async createCommit(tree, message, parents) {
      const areKnown = await Promise.all(parents.map((parent) => has(parent)));
      if (!(await has(tree, 'tree')) || areKnown.includes(false)) return undefined;
      const args = ['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent]), '-F', '-'];
      return git.run(args, { input: message });
    },
    proposes: async ({ head, base }, sha) => (await isIn(sha, head)) && !(await isIn(sha, base)),
    keepHead: async ({ number, head }) => void (await git.run(['update-ref', `refs/pull/${number}/head`, head])),
  };
}

/** By an index of its own, as git itself makes trees. */
async function changedTree(git: Git, index: string, base: string, entries: readonly JsonObject[]): Promise<NewTree> {
  const env = { GIT_INDEX_FILE: index };
  await git.run(['read-tree', base], { env });
  const lines: string[] = [];
  for (const { path, mode, sha, content } of entries) {
    const removed = sha === null;
    const known = await git.run(['ls-files', '--cached', '-z', '--', `:(literal,top)${path}`], { env });
    if (removed && known !== `${path}\0`) return { kind: 'refused', message: 'GitRPC::BadObjectState' };
    const blob = removed ? NO_COMMIT : await git.run(['hash-object', '-w', '--stdin'], { input: String(content) });
    lines.push(`${removed ? '0' : mode} ${blob}\t${path}\0`);
  }
  await git.run(['update-index', '-z', '--index-info'], { env, input: lines.join('') });
  return { kind: 'tree', sha: await git.run(['write-tree'], { env }) };
}
