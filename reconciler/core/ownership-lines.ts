// What files of others would have to say before the routes of a change can go live, ready to paste. Law: whoever pastes it takes nothing
// away, and is told who has to agree.
import type { Kokoa } from '../../schemas/types.ts';
import type { LoadedFile } from './files.ts';
import type { Change } from './ownership-change.ts';
import { entryFor, isMistyped } from './ownership-entry.ts';
import { type Holding, OPERATORS, ownersOf } from './ownership-owners.ts';
import { KOKOA_FILE } from './paths.ts';
import { targetsOf } from './route-targets.ts';
import { originPath } from './view.ts';
import { writeYaml } from './yaml.ts';

export interface NeededLines {
  file: string;
  /** Where in it, to go on after "needs this". */
  place: string;
  /** Who has to agree, in words; names of the data are in it. */
  approvers: string;
  /** Indented as they stand there; ends with a line end. */
  lines: string;
}

/** Of kokoa.yaml first, then of origins by name; empty: nothing is lacking, or a base without owners. */
export function linesNeeded(change: Change): NeededLines[] {
  const kokoa = change.base.kokoa?.value;
  return kokoa === undefined ? [] : [...teamsNeeded(change, kokoa), ...originsNeeded(change)];
}

/** What the entry of a team says for some of its routes, in one line, and who has to agree. */
export function teamLine(
  change: Change,
  team: string,
  files: readonly LoadedFile<'route'>[],
): { line: string; approvers: string } | undefined {
  const needed = entryFor(change, team, files);
  if (needed === undefined) return undefined;
  const line = `- ${writeYaml(needed.entry, 'flow').trimEnd()}`;
  return { line, approvers: approversOf(change.base.kokoa!.value!, needed.holdings) };
}

function teamsNeeded(change: Change, kokoa: Kokoa): NeededLines[] {
  return [...Map.groupBy(change.routes, ({ team }) => team)].flatMap(([team, files]) => {
    const needed = team === undefined ? undefined : entryFor(change, team, files);
    if (needed === undefined) return [];
    const place = needed.isNew ? 'below teams:' : `below teams: in place of what team ${team} has there now`;
    const lines = writeYaml([needed.entry], 'block').replace(/^(?=.)/gm, '  ');
    return { file: KOKOA_FILE, place, approvers: approversOf(kokoa, needed.holdings), lines };
  });
}

/** A new origin comes with its teams. */
function originsNeeded(change: Change): NeededLines[] {
  const lacking = new Map<string, Set<string>>();
  for (const [team, files] of Map.groupBy(change.routes, (file) => file.team)) {
    if (team === undefined || isMistyped(change, team)) continue;
    for (const { origin } of files.flatMap(({ value }) => targetsOf(value!))) {
      const teams = change.base.origin(origin)?.value?.teams;
      if (teams === undefined || teams.includes(team)) continue;
      lacking.set(origin, (lacking.get(origin) ?? new Set()).add(team));
    }
  }
  return [...lacking.keys()].sort().map((name) => {
    const { teams, owner = 'its owner' } = change.base.origin(name)!.value!;
    const lines = writeYaml({ teams: [...teams, ...lacking.get(name)!] }, 'block');
    return { file: originPath(name), place: 'in place of its teams:', approvers: `${owner} and ${OPERATORS}`, lines };
  });
}

function approversOf(kokoa: Kokoa, holdings: readonly Holding[]): string {
  const others = holdings.map(({ team, grant }) => `${ownersOf(kokoa, team)} (${grant} is granted to team ${team})`);
  return [OPERATORS, ...others].join(' and ');
}
