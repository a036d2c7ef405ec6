// What kokoa.yaml would have to say of a team for its routes, ready to paste. Law: it never proposes to grant what another team has.
import type { Kokoa } from '../../schemas/types.ts';
import type { LoadedFile } from './files.ts';
import { canonicalHostname, coveredByAny, covers } from './hostname.ts';
import type { Change } from './ownership-change.ts';
import { coversPort, RESERVED_PORTS, takesPublicPort } from './public-port.ts';
import { indexOf } from './settings-index.ts';
import type { DesiredView } from './view.ts';
import { writeYaml } from './yaml.ts';

type Team = Kokoa['teams'][number];

/** The entries of `teams` that the base lacks for the changed routes, as lines to stand below `teams:`; empty: none. */
export function linesNeeded({ base, head, routes }: Change): string {
  if (base.kokoa?.value === undefined) return '';
  const byTeam = Map.groupBy(routes, ({ team }) => team);
  const entries = [...byTeam].flatMap(([team, files]) =>
    team === undefined ? [] : (entryFor(base, head, team, files) ?? []),
  );
  return entries.length === 0 ? '' : writeYaml(entries, 'block').replace(/^(?=.)/gm, '  ');
}

/** The same for some routes of one team, in one line. */
export function teamLine(
  base: DesiredView,
  head: DesiredView,
  team: string,
  files: readonly LoadedFile<'route'>[],
): string | undefined {
  const entry = entryFor(base, head, team, files);
  return entry === undefined ? undefined : `- ${writeYaml(entry, 'flow').trimEnd()}`;
}

/** What the team has, or asks for, and what its routes lack; undefined: nothing is lacking, or all of it is another's. */
function entryFor(
  base: DesiredView,
  head: DesiredView,
  name: string,
  files: readonly LoadedFile<'route'>[],
): Team | undefined {
  const kokoa = base.kokoa!.value!;
  const present = kokoa.teams.find((team) => team.name === name);
  const asked = present ?? head.kokoa?.value?.teams.find((team) => team.name === name);
  const others = kokoa.teams.filter((team) => team.name !== name).map((team) => team.name);
  const { grants, ports } = indexOf(kokoa);
  const isTaken = (hostname: string) =>
    others.some((other) => {
      const granted = grants.get(other)!;
      if (coveredByAny(granted, hostname)) return true;
      return hostname.startsWith('*.') && [...granted].some((grant) => covers(hostname, grant));
    });
  const isTakenPort = (port: number) =>
    RESERVED_PORTS.includes(port) || others.some((other) => ports.get(other)!.some((range) => coversPort(range, port)));
  const hostnames =
    present?.hostnames.slice() ?? (asked?.hostnames ?? []).filter((typed) => !isTaken(canonical(typed)));
  const granted = new Set(hostnames.map(canonical));
  const missing = files.flatMap(({ hostname }) =>
    hostname === undefined || coveredByAny(granted, hostname) || isTaken(hostname) ? [] : [hostname],
  );
  const missingPorts = files.flatMap(({ value }) => {
    const port = takesPublicPort(value!) ? value!.publicPort : undefined;
    const has = port === undefined || (ports.get(name) ?? []).some((range) => coversPort(range, port));
    return has || isTakenPort(port) ? [] : [port];
  });
  if (present !== undefined && missing.length === 0 && missingPorts.length === 0) return undefined;
  const all = [...new Set([...hostnames, ...missing])];
  if (all.length === 0) return undefined;
  const allPorts = [...new Set([...(present?.ports ?? []), ...missingPorts])];
  return {
    name,
    hostnames: all as Team['hostnames'],
    ...(asked?.owners !== undefined && { owners: asked.owners }),
    ...(allPorts.length > 0 && { ports: allPorts as NonNullable<Team['ports']> }),
  };
}

function canonical(typed: string): string {
  const result = canonicalHostname(typed);
  return result.kind === 'hostname' ? result.hostname : typed;
}
