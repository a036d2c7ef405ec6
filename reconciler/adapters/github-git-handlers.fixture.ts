// The git database of the double: refs, commits and trees, made one by one.
import { commitBody, refBody } from './github-bodies.fixture.ts';
import { exampleOf } from './github-contract.fixture.ts';
import type { JsonObject } from './github-description.fixture.ts';
import { type Handlers, notFound, refused } from './github-handler.fixture.ts';

export const GIT_HANDLERS: Handlers = {
  async 'get /repos/{owner}/{repo}/git/ref/{ref}'({ repository }, { parameters }) {
    const ref = `refs/${parameters.ref}`;
    const sha = await repository.ref(ref);
    return sha === undefined ? notFound() : { status: 200, body: refBody(ref, sha) };
  },

  async 'post /repos/{owner}/{repo}/git/refs'({ repository }, { body }) {
    const ref = String(body.ref);
    const sha = String(body.sha);
    if ((await repository.ref(ref)) !== undefined) return refused(422, 'Reference already exists');
    if ((await repository.treeOf(sha)) === undefined) return refused(422, 'Object does not exist');
    if (!(await repository.createRef(ref, sha))) return refused(422, 'Reference already exists');
    return { status: 201, body: refBody(ref, sha) };
  },

  async 'get /repos/{owner}/{repo}/git/commits/{commit_sha}'({ repository }, { parameters }) {
    const tree = await repository.treeOf(parameters.commit_sha!);
    return tree === undefined ? notFound() : { status: 200, body: commitBody(parameters.commit_sha!, tree) };
  },

  async 'post /repos/{owner}/{repo}/git/commits'({ repository }, { body }) {
    const { tree, message, parents } = body as { tree: string; message: string; parents: string[] };
    const sha = await repository.createCommit(tree, message, parents);
    return sha === undefined ? refused(422, 'Tree SHA does not exist') : { status: 201, body: commitBody(sha, tree) };
  },

  async 'post /repos/{owner}/{repo}/git/trees'({ repository }, { body }) {
    const made = await repository.createTree(String(body.base_tree), body.tree as JsonObject[]);
    if (made.kind === 'refused') return refused(422, made.message);
    return { status: 201, body: { ...exampleOf('post /repos/{owner}/{repo}/git/trees', 201), sha: made.sha } };
  },
};
