// How the node stands, as `kokoa-agent status` says it from what the running agent left on the disk. Law: what a dead agent noted is said to
// be past, and what is not known is said to be unknown.
import { labelledLine } from './core/labelled-line.ts';
import type { BackendsDown, BackendsFailing, KeptStanding, Unheard } from './ports/standing-store.ts';

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
  const { backendsDown, backendsFailing } = agentRuns ? standing : {};
  const more = leftOut.length - PARTS_SHOWN_MAX;
  return {
    facts: {
      ...{ state, stateSince: since, reason, leftOut },
      ...{ refusedHash: condemned?.configHash, unbound, controlPlane: unheard, unobtained, checks },
      ...{ backendsDown, backendsFailing },
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
      ...downLines(backendsDown, nowMs),
      ...failingLines(backendsFailing, nowMs),
      ...(unbound === undefined ? [] : labelledLine('announced', `not accepted: ${unbound}`)),
    ],
  };
}

function downLines(down: BackendsDown | undefined, nowMs: number): string[] {
  return backendLines(down, ({ address, port, since, reason, withdrawn }) => {
    const others = withdrawn ? '; visitors are sent to others' : '';
    return `${address}:${port} is down ${sinceText(since, nowMs)}: ${reason}${others}`;
  });
}

function failingLines(failing: BackendsFailing | undefined, nowMs: number): string[] {
  return backendLines(failing, ({ backend, since }) => `${backend} fails requests ${sinceText(since, nowMs)}`);
}

function backendLines<T>(
  found: { count: number; first: readonly T[] } | undefined,
  said: (backend: T) => string,
): string[] {
  if (found === undefined) return [];
  const shown = found.first.slice(0, PARTS_SHOWN_MAX);
  const more = found.count - shown.length;
  return [
    ...shown.flatMap((backend) => labelledLine('backend', said(backend))),
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
