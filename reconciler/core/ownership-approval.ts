// Who has to agree before something of theirs is another's: the owners that kokoa.yaml of the base names, and the operators.
import type { Kokoa } from '../../schemas/types.ts';
import { coveredByAny } from './hostname.ts';
import type { Change } from './ownership-change.ts';
import { teamLine } from './ownership-lines.ts';
import { KOKOA_FILE } from './paths.ts';
import type { Problem } from './problem.ts';
import { coversPort } from './public-port.ts';
import { indexOf } from './settings-index.ts';

/** Who approves kokoa.yaml is what CODEOWNERS says, which is no data. */
export const OPERATORS = `the operators (owners of ${KOKOA_FILE} in CODEOWNERS)`;

const LISTED_MAX = 3;

/** The people of a team, in words. */
export function ownersOf(kokoa: Kokoa, team: string): string {
  const owners = kokoa.teams.find(({ name }) => name === team)?.owners ?? [];
  return owners.length === 0 ? `the owners of routes/${team}/ in CODEOWNERS` : owners.slice(0, LISTED_MAX).join(', ');
}

/** The teams whose grants cover a name or a public port, at most as many as are shown. */
export function teamsCovering(
  kokoa: Kokoa,
  { hostname, port }: { hostname?: string | undefined; port?: number | undefined },
): string[] {
  const { grants, ports } = indexOf(kokoa);
  const covering =
    port === undefined
      ? [...grants].filter(([, granted]) => hostname !== undefined && coveredByAny(granted, hostname))
      : [...ports].filter(([, ranges]) => ranges.some((range) => coversPort(range, port)));
  return covering.map(([team]) => team).slice(0, LISTED_MAX);
}

/** The hint of what the head itself refuses in a changed file, with the people who could allow it. */
export function approvalHint({ base, head }: Change, { file, rule, hint }: Problem): string {
  const route = head.route(file);
  const kokoa = base.kokoa?.value;
  if (route?.value === undefined || route.team === undefined || kokoa === undefined) return hint;
  if (rule === 'KK301') {
    if (hint.startsWith('did you mean')) return hint;
    const line = teamLine(base, head, route.team, [route]);
    return `${hint}; ${OPERATORS} approve it${line === undefined ? '' : `: ${line}`}`;
  }
  if (rule === 'KK302' || rule === 'KK340') {
    const port = rule === 'KK340' ? route.value.publicPort : undefined;
    const owners = teamsCovering(kokoa, { hostname: route.hostname, port }).filter((team) => team !== route.team);
    const asked = owners.map((team) => `${ownersOf(kokoa, team)} (team ${team})`);
    return `${hint}; ${[...asked, OPERATORS].join(' and ')} decide about ${KOKOA_FILE}`;
  }
  if (rule === 'KK303') {
    const other = base.routesByHost(route.hostname!).find((path) => path !== file);
    const team = other === undefined ? undefined : base.route(other)?.team;
    return team === undefined ? hint : `${hint}; ${other} was there first and is of ${ownersOf(kokoa, team)}`;
  }
  return rule === 'KK305' ? `${hint}, approved by ${OPERATORS}; not in this change` : hint;
}
