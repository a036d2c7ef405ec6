// Which ports of an origin's tunnel address are kept for the services behind it, and which of them are whose. Law: where a team's section
// lies is said by the origin's file alone, so nothing that one team writes in its routes moves a port of another.

import { SCRIPTS_PORT } from '../../bundle/script-check.ts';

/** Above the ports that Linux gives to outgoing connections (32768 to 60999), below Mumble's (64738); hardly anybody listens here. */
const FIRST = 61_000;
/** How many teams of an origin may name services behind it: the first ones of its list. */
export const SECTIONS_MAX = 25;
/** The smallest section; no team may name more services behind one origin, so that there is a port for each. */
export const SECTION_PORTS = 128;
const COUNT = SECTIONS_MAX * SECTION_PORTS;
const LAST = FIRST + COUNT - 1;
/** The fewer teams there are, the larger their sections: two services of a team then seldom want the same port. */
const DIVISIONS = [1, 5, SECTIONS_MAX];

/** In words: these, and the one at which edges ask what scripts say. */
export const TUNNEL_PORTS = `${SCRIPTS_PORT} and ${FIRST} to ${LAST}`;

/** A team's ports on one origin. */
export interface Section {
  first: number;
  count: number;
}

/** True for a port on which no service of an origin itself can be reached. */
export function isTunnelPort(port: number): boolean {
  return (port >= FIRST && port <= LAST) || port === SCRIPTS_PORT;
}

/** `teams`: as the origin's file lists them. Undefined: the team is not among those that have a section. */
export function sectionOf(teams: readonly string[], team: string): Section | undefined {
  const place = teams.indexOf(team);
  if (place < 0 || place >= SECTIONS_MAX) return undefined;
  const count = COUNT / (DIVISIONS.find((sections) => teams.length <= sections) ?? SECTIONS_MAX);
  return { first: FIRST + place * count, count };
}

const OF_TEAM = ' (team ';

/** As problems and indexes name what a team has behind an origin. */
export function sectionName(origin: string, team: string): string {
  return `${origin}${OF_TEAM}${team})`;
}

/** What `sectionName` made a name of. */
export function readSectionName(name: string): { origin: string; team: string } {
  const end = name.indexOf(OF_TEAM);
  return { origin: name.slice(0, end), team: name.slice(end + OF_TEAM.length, -1) };
}
