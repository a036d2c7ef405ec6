// What `kokoa restrictions` prints: what operators took from nodes on this machine, and what git says of the same nodes.
import { isInForce } from '../core/local-restriction.ts';
import type { KnownState } from './restriction-change.ts';

/** Widths of node, state and since; what git says stands last. */
const WIDTHS = [30, 15, 22];

/** Rows in 80 columns as far as names allow; a reason has a row of its own. */
export function restrictionsAsText(state: KnownState): string {
  const rows = listed(state);
  if (rows.length === 0) return 'no node is restricted on this machine\n';
  const row = (...cells: string[]) =>
    cells
      .map((cell, at) => cell.padEnd(WIDTHS[at] ?? 0))
      .join('')
      .trimEnd();
  const lines = rows.flatMap(({ node, state: taken, over, since, git, reason }) => [
    row(`${node} `, over ? `${taken}, over` : taken, since, git ?? 'no file'),
    ...(reason === '' ? [] : [`  ${reason}`]),
  ]);
  return `${[row('NODE', 'STATE', 'SINCE', 'GIT SAYS'), ...lines].join('\n')}\n`;
}

export function restrictionsAsJson(state: KnownState): string {
  return `${JSON.stringify({ restrictions: listed(state) }, null, 2)}\n`;
}

/** `over`: git has a newer generation, and the revocation only keeps the older tokens out. */
function listed({ slots, restrictions }: KnownState) {
  return restrictions.map((one) => {
    const { node, state, reason, sinceMs, generation } = one;
    const slot = slots.find((each) => each.node === node);
    const since = `${new Date(sinceMs).toISOString().slice(0, 19)}Z`;
    const over = slot !== undefined && !isInForce(one, slot);
    return { node, state, over, since, reason, generation, ...(slot && { git: slot.state }) };
  });
}
