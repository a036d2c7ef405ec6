// What the log says of restrictions that operators made on this machine: every transition once, with who, what and why.
import type { Log } from './adapters/log.ts';
import { inForce, isInForce } from './core/local-restriction.ts';
import { slotsOf } from './core/slots.ts';
import type { LocalRestriction } from './ports/restrictions.ts';
import type { Standing } from './standing.ts';

/** Answers a function that is told of every standing and answers what is in force, by node. */
export function createRestrictionLog(
  log: Log,
): (standing: Pick<Standing, 'live' | 'local'>) => ReadonlyMap<string, LocalRestriction> {
  let before: ReadonlyMap<string, LocalRestriction> = new Map();
  return ({ live, local }) => {
    const now = inForce(live, local);
    for (const [node, { state, reason, sinceMs }] of now) {
      if (before.get(node)?.state === state) continue;
      const since = new Date(sinceMs).toISOString();
      log.warn({ node, state, reason, since, todo: 'set its state in git as well' }, 'a node is restricted here');
    }
    for (const [node, { state, generation }] of before) {
      if (now.has(node)) continue;
      const slot = slotsOf(live).find((one) => one.node === node);
      // Nothing is known of it, so that nothing has ended: a lost mirror, or a file that is gone.
      if (slot === undefined) log.info({ node, state }, 'a node that was restricted here is gone');
      else if (local.some((one) => one.node === node && !isInForce(one, slot)))
        log.info(
          { node, generation, found: slot.generation },
          'a revocation made here is over: git has a newer generation',
        );
      else log.info({ node, state, git: slot.state }, 'a restriction made here is lifted; what git says holds');
    }
    before = now;
    return now;
  };
}
