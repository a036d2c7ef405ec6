// How the node stands, as `kokoa-agent status` says it from what the running agent left on the disk. Law: what a dead agent noted is said to
// be past, and what is not known is said to be unknown.
import { labelledLine } from './core/labelled-line.ts';
import type { KeptStanding } from './ports/standing-store.ts';

const PARTS_SHOWN_MAX = 5;
const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

export function describeStanding(standing: KeptStanding | undefined, agentRuns: boolean, nowMs: number) {
  if (!standing) return { facts: {}, lines: labelledLine('state', 'not known yet') };
  const { state, since, reason, leftOut, condemned, unbound } = standing;
  const age = ageOf((nowMs - Date.parse(since)) / 1000);
  const when = `since ${since.replace(/\.\d+/, '')}${age && ` (${age})`}`;
  const more = leftOut.length - PARTS_SHOWN_MAX;
  return {
    facts: { ...{ state, stateSince: since, reason, leftOut }, refusedHash: condemned?.configHash, unbound },
    lines: [
      ...labelledLine(
        'state',
        `${agentRuns ? '' : 'was '}${state} ${when}${reason === undefined ? '' : `: ${reason}`}`,
      ),
      ...leftOut
        .slice(0, PARTS_SHOWN_MAX)
        .flatMap(({ name, reason: why }) => labelledLine('left out', `${name}: ${why}`)),
      ...(more > 0 ? labelledLine('', `and ${more} more`) : []),
      ...(unbound === undefined ? [] : labelledLine('announced', `not accepted: ${unbound}`)),
    ],
  };
}

/** In the largest unit that it fills twice; empty for a time that is yet to come. */
function ageOf(seconds: number): string {
  if (!(seconds >= 0)) return '';
  const [unit, size] = UNITS.find(([, each]) => seconds >= 2 * each) ?? UNITS[3];
  return `${Math.floor(seconds / size)} ${unit}`;
}
