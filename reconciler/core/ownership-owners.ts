// Whose something is in the base: the teams that kokoa.yaml grants it to, and the people of those, in words.
import type { Kokoa } from '../../schemas/types.ts';
import type { LoadedFile } from './files.ts';
import { coveredByAny, covers } from './hostname.ts';
import { KOKOA_FILE } from './paths.ts';
import { coversPort, takesPublicPort } from './public-port.ts';
import { indexOf } from './settings-index.ts';

/** Who approves kokoa.yaml is what CODEOWNERS says, which is no data. */
export const OPERATORS = `the operators (owners of ${KOKOA_FILE} in CODEOWNERS)`;

const LISTED_MAX = 3;

/** What a route asks for: a name, or a public port. */
export interface Claim {
  hostname?: string | undefined;
  port?: number | undefined;
}

/** A grant that covers a claim, as text, and whose it is. */
export interface Holding {
  team: string;
  grant: string;
}

/** The people of a team, in words. */
export function ownersOf(kokoa: Kokoa, team: string): string {
  const owners = kokoa.teams.find(({ name }) => name === team)?.owners ?? [];
  return owners.length === 0 ? `the owners of routes/${team}/ in CODEOWNERS` : owners.slice(0, LISTED_MAX).join(', ');
}

/** `file` has a value. */
export function claimOfRoute({ hostname, value }: LoadedFile<'route'>): Claim {
  return { hostname, port: takesPublicPort(value!) ? value!.publicPort : undefined };
}

/** A route that claims nothing needs no grant: what it lacks is told elsewhere. */
export function isGranted(kokoa: Kokoa, team: string, { hostname, port }: Claim): boolean {
  const { grants, ports } = indexOf(kokoa);
  if (port !== undefined) return (ports.get(team) ?? []).some((range) => coversPort(range, port));
  return hostname === undefined || coveredByAny(grants.get(team) ?? new Set(), hostname);
}

/** What other teams are granted of a claim, at most as many as are shown. */
export function holdingsOfOthers(kokoa: Kokoa, team: string, claim: Claim): Holding[] {
  const { hostname, port } = claim;
  const holdings = port === undefined ? nameHoldings(kokoa, hostname) : portHoldings(kokoa, port);
  return holdings.filter((holding) => holding.team !== team).slice(0, LISTED_MAX);
}

function nameHoldings(kokoa: Kokoa, hostname: string | undefined): Holding[] {
  if (hostname === undefined) return [];
  return [...indexOf(kokoa).grants].flatMap(([team, granted]) => {
    if (!coveredByAny(granted, hostname)) return [];
    return { team, grant: [...granted].find((grant) => covers(grant, hostname))! };
  });
}

function portHoldings(kokoa: Kokoa, port: number): Holding[] {
  return [...indexOf(kokoa).ports].flatMap(([team, ranges]) => {
    const range = ranges.find((one) => coversPort(one, port));
    if (range === undefined) return [];
    return { team, grant: range.from === range.to ? `port ${range.from}` : `${range.from}-${range.to}` };
  });
}
