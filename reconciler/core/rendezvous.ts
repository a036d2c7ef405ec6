// Highest-random-weight choice: every host picks its node by itself, so removing one node moves only that node's hosts.
// Source: Thaler and Ravishankar, "Using name-based mappings to increase hit rates", 1998.
import { hash } from 'node:crypto';

/** The node with the largest sha256 of host and node; undefined when there are none. The order of `nodes` does not matter. */
export function rendezvous(host: string, nodes: Iterable<string>): string | undefined {
  const contestants = [...nodes];
  if (contestants.length < 2) return contestants[0];
  let winner: string | undefined;
  let best = '';
  for (const node of contestants) {
    const weight = hash('sha256', `${host}\n${node}`, 'hex');
    if (weight > best) [winner, best] = [node, weight];
  }
  return winner;
}

/** Who won before, and among whom. */
export interface EarlierChoice {
  winner: string | undefined;
  nodes: ReadonlySet<string>;
}

/** The same answer as `rendezvous(host, nodes)`; a winner that is still there competes with the new nodes only. */
export function rendezvousAfter(
  host: string,
  nodes: ReadonlySet<string>,
  earlier: EarlierChoice | undefined,
): string | undefined {
  const winner = earlier?.winner;
  if (earlier === undefined || winner === undefined || !nodes.has(winner)) return rendezvous(host, nodes);
  return rendezvous(host, [winner, ...[...nodes].filter((node) => !earlier.nodes.has(node))]);
}
