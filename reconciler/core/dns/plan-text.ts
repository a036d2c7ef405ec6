// What is to be done in DNS, for people at a terminal. Law: within 80 columns as far as the names allow, and the same plan is the same text.
import type { RecordSet } from '../../ports/dns-zone.ts';
import { shownSets } from './name-plan.ts';
import type { Change, ZonePlan } from './zone-plan.ts';

/** Of each kind, before it is said how many more there are. */
export const LINES_MAX = 50;
const SIGNS = { create: '+', change: '~', delete: '-', adopt: '*' } as const;
const NAME_WIDTH = 30;

export interface ShownZone {
  plan: ZonePlan;
  provider: string;
  /** Names that are as git wants them. */
  settled: number;
}

export function zonePlanText({ plan, provider, settled }: ShownZone): string {
  const { zone, changes, held, foreign } = plan;
  const counts = [
    changes.length > 0 && `${changes.length} to write`,
    held.length > 0 && `${held.length} deletions held back`,
    foreign.length > 0 && `${foreign.length} in the way`,
    `${settled} as they should be`,
  ].filter((part) => part !== false);
  return [
    `${zone} (${provider}): ${counts.join(', ')}`,
    ...limited(changes.map((change) => changeLine(change, SIGNS[change.verb]))),
    ...limited(held.map((change) => changeLine(change, '?'))),
    ...(held.length > 0 ? [`  ? waits for you: kokoa dns apply --allow-deletions ${held.length}`] : []),
    ...limited(foreign.flatMap(({ name, reason }) => [`  ! ${padded(name)} ${reason}`])),
    ...(foreign.some(({ adoptable }) => adoptable)
      ? ['  ! to take names over as they are: kokoa dns adopt NAME…']
      : []),
    '',
  ].join('\n');
}

function changeLine({ name, before, after }: Change, sign: string): string {
  return `  ${sign} ${padded(name)} ${[before, after]
    .filter((sets) => sets.length > 0)
    .map(setsText)
    .join(' → ')}`;
}

function setsText(sets: readonly RecordSet[]): string {
  return shownSets(sets);
}

function padded(name: string): string {
  return name.padEnd(NAME_WIDTH);
}

function limited(lines: readonly string[]): string[] {
  if (lines.length <= LINES_MAX) return [...lines];
  return [...lines.slice(0, LINES_MAX), `    … and ${lines.length - LINES_MAX} more`];
}
