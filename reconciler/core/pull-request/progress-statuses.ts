// What a commit of the followed branch says of itself on the forge. Law: a function of the commit and of what became of it, so that another
// run with the same result says the same.
import type { CommitStatus, Deployment } from '../../ports/forge.ts';
import { plain } from '../changes/shown-value.ts';
import { count } from '../changes/words.ts';
import type { Problem } from '../problem.ts';
import { type EdgeProgress, hasTaken } from './edge-progress.ts';
import type { Progress } from './progress.ts';

export interface CommitState {
  /** Newest commit of the branch. */
  commit: string;
  /** The commit whose files are live. */
  published: string | undefined;
  hold: { reason: string; message: string; problems: readonly Problem[] } | undefined;
  /** First problem of each file that is left out, sorted by file. */
  leftOut: readonly Problem[];
  /** Hostnames that its files claim. */
  hosts: number;
}

export function statusesOf(state: CommitState): CommitStatus[] {
  return [compileStatus(state), publishStatus(state)];
}

function compileStatus({ commit, hold, leftOut, hosts }: CommitState): CommitStatus {
  const common = { commit, name: 'kokoa/compile' };
  const [first] = hold?.reason === 'invalid' ? hold.problems : leftOut;
  if (first !== undefined)
    return { ...common, state: 'failure', description: plain(`${first.file}:${first.line}: ${first.message}`) };
  if (hold?.reason === 'invalid') return { ...common, state: 'failure', description: plain(hold.message) };
  return { ...common, state: 'success', description: count(hosts, 'host') };
}

function publishStatus({ commit, published, hold, leftOut }: CommitState): CommitStatus {
  const common = { commit, name: 'kokoa/publish' };
  if (hold !== undefined) return { ...common, state: 'failure', description: `held back: ${plain(hold.message)}` };
  if (published !== commit) return { ...common, state: 'pending', description: 'about to be published' };
  const without = leftOut.length === 0 ? '' : ` without ${count(leftOut.length, 'file')}`;
  return { ...common, state: 'success', description: `published${without}` };
}

/** One per edge that has something to take; none before it is published. */
export function deploymentsOf(progress: Progress): Deployment[] {
  if (progress.state !== 'published') return [];
  const { commit, names, isLate } = progress;
  const [only, ...others] = names.filter(({ touched }) => touched.url !== undefined && touched.change !== 'removed');
  const url = only !== undefined && others.length === 0 ? { url: only.touched.url! } : {};
  const tallies = talliesOf(progress);
  return progress.edges.map((edge) => ({
    ...{ commit, environment: edge.node, ...url },
    ...(hasTaken(edge) ? tookState(tallies.get(edge.node) ?? NONE, isLate) : otherState(edge, isLate)),
  }));
}

type DeploymentState = Pick<Deployment, 'state' | 'description'>;

/** How many names an edge has live, without a good answer, without a certificate. */
interface Tally {
  live: number;
  failing: number;
  certificates: number;
}

const NONE: Tally = { live: 0, failing: 0, certificates: 0 };

function talliesOf({ names }: Progress): Map<string, Tally> {
  const tallies = new Map<string, Tally>();
  for (const { edges } of names) {
    for (const { edge, at } of edges) {
      const tally = tallies.get(edge) ?? { ...NONE };
      if (at.kind === 'live') tally.live += 1;
      if (at.kind === 'failing' || at.kind === 'left_out') tally.failing += 1;
      if (at.kind === 'certificate') tally.certificates += 1;
      tallies.set(edge, tally);
    }
  }
  return tallies;
}

function tookState({ live, failing, certificates }: Tally, isLate: boolean): DeploymentState {
  const words = [
    ...(failing > 0 ? [`${count(failing, 'name')} without a good answer`] : []),
    ...(certificates > 0 ? [`${count(certificates, 'name')} without a certificate`] : []),
  ];
  if (words.length > 0) return { state: isLate ? 'failure' : 'in_progress', description: words.join(', ') };
  return { state: 'success', description: live > 0 ? `applied, ${count(live, 'name')} live` : 'applied' };
}

function otherState({ state, error, isQueued }: EdgeProgress, isLate: boolean): DeploymentState {
  if (state === 'away') return { state: 'queued', description: 'the edge is away' };
  if (state === 'refused')
    return { state: 'failure', description: plain(`refused: ${error?.code ?? 'no reason given'}`) };
  if (isQueued && !isLate) return { state: 'queued', description: 'waits for its wave' };
  if (isLate) return { state: 'failure', description: 'the edge did not take it within an hour' };
  return { state: 'in_progress', description: 'waiting for the edge' };
}
