// How the node stands, as `kokoa-agent status` says it from what the running agent left on the disk. Law: what a dead agent noted is said to
// be past, and what is not known is said to be unknown.
import { labelledLine } from './core/labelled-line.ts';
import type { BackendsDown, KeptStanding, Unheard } from './ports/standing-store.ts';

const PARTS_SHOWN_MAX = 5;
/** What each kind of silence means. */
const SILENCES: Readonly<Record<Unheard['kind'], string>> = {
  unauthorized: 'does not take the token of this node',
  suspended: 'has suspended this node: nothing new comes, what is served stays',
  unreachable: 'does not answer',
};
const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

export function describeStanding(standing: KeptStanding | undefined, agentRuns: boolean, nowMs: number) {
  if (!standing) return { facts: {}, lines: labelledLine('state', 'not known yet') };
  const { state, since, reason, leftOut, condemned, unbound, unheard, unobtained = [] } = standing;
  // What a dead agent saw may be over.
  const checks = agentRuns ? (standing.checks ?? []) : [];
  const backendsDown = agentRuns ? standing.backendsDown : undefined;
  const more = leftOut.length - PARTS_SHOWN_MAX;
  return {
    facts: {
      ...{ state, stateSince: since, reason, leftOut },
      ...{ refusedHash: condemned?.configHash, unbound, controlPlane: unheard, unobtained, checks, backendsDown },
    },
    lines: [
      ...labelledLine(
        'state',
        `${agentRuns ? '' : 'was '}${state} ${sinceText(since, nowMs)}${reason === undefined ? '' : `: ${reason}`}`,
      ),
      ...leftOut
        .slice(0, PARTS_SHOWN_MAX)
        .flatMap(({ name, reason: why }) => labelledLine('left out', `${name}: ${why}`)),
      ...(more > 0 ? labelledLine('', `and ${more} more`) : []),
      ...unobtained.flatMap(({ hostname, reason: why }) => labelledLine('certificate', `${hostname}: ${why}`)),
      ...(unheard ? labelledLine('control plane', silenceText(unheard, agentRuns, nowMs)) : []),
      ...checks
        .filter(({ up }) => !up)
        .flatMap(({ node, since: at, reason: why }) =>
          labelledLine('edge', `${node} is down ${sinceText(at, nowMs)}: ${why}`),
        ),
      ...backendLines(backendsDown, nowMs),
      ...(unbound === undefined ? [] : labelledLine('announced', `not accepted: ${unbound}`)),
    ],
  };
}

function backendLines(down: BackendsDown | undefined, nowMs: number): string[] {
  if (down === undefined) return [];
  const shown = down.first.slice(0, PARTS_SHOWN_MAX);
  const more = down.count - shown.length;
  return [
    ...shown.flatMap(({ address, port, since, reason, withdrawn }) => {
      const others = withdrawn ? '; visitors are sent to others' : '';
      return labelledLine('backend', `${address}:${port} is down ${sinceText(since, nowMs)}: ${reason}${others}`);
    }),
    ...(more > 0 ? labelledLine('', `and ${more} more`) : []),
  ];
}

function silenceText({ kind, since, reason }: Unheard, agentRuns: boolean, nowMs: number): string {
  const when = agentRuns ? `, ${sinceText(since, nowMs)}` : ', when the agent ended';
  return `${SILENCES[kind]}${when}: ${reason}`;
}

function sinceText(since: string, nowMs: number): string {
  const age = ageOf((nowMs - Date.parse(since)) / 1000);
  return `since ${since.replace(/\.\d+/, '')}${age && ` (${age})`}`;
}

/** In the largest unit that it fills twice; empty for a time that is yet to come. */
function ageOf(seconds: number): string {
  if (!(seconds >= 0)) return '';
  const [unit, size] = UNITS.find(([, each]) => seconds >= 2 * each) ?? UNITS[3];
  return `${Math.floor(seconds / size)} ${unit}`;
}
