// What checks of routes ask of a machine itself, beside its services: to answer ping, and what a script of its owner says. The origin is told, so
// that its packet filter lets the question in and no other.
import type { AskedOrigin } from '../../bundle/config.ts';
import { SCRIPTS_MAX } from '../../bundle/config-schema.ts';
import type { Check, Path, Route } from '../../schemas/types.ts';
import type { BoundedPlace } from './bounded-places.ts';
import { claimOf } from './claims.ts';
import type { Desired } from './desired.ts';
import type { LoadedFile } from './files.ts';
import { entriesOf, lookup } from './persistent-map.ts';
import { backendsOf } from './route-targets.ts';
import { sectionName } from './tunnel-ports.ts';

const ICMP = 'icmp';
const SCRIPT = 'script ';

/** What one team may ask of one origin: so many teams can be its. */
export const ASKED_PER_TEAM_MAX = 20;

/** `group`: an origin and a team. A place that is named twice stands here twice. */
export function askedPlaces({ value, team = '' }: LoadedFile<'route'>): BoundedPlace[] {
  if (value === undefined) return [];
  const paths = (value.paths ?? []).flatMap((path, index) => askedBy(path, team, `/paths/${index}`));
  return [...askedBy(value, team, ''), ...paths];
}

/** Undefined: nothing. */
export function askedOf(desired: Desired, origin: string): AskedOrigin | undefined {
  const keys = new Set(listsOf(desired, origin).flatMap((list) => [...entriesOf(list)].map(([key]) => key)));
  if (keys.size === 0) return undefined;
  const scripts = [...keys].filter((key) => key.startsWith(SCRIPT)).map((key) => key.slice(SCRIPT.length));
  return {
    ...(keys.has(ICMP) && { icmp: true }),
    ...(scripts.length > 0 && { scripts: scripts.sort().slice(0, SCRIPTS_MAX) }),
  };
}

/** True when `askedOf` answers the same, as far as can be seen without making it. */
export function sameAsked(before: Desired, after: Desired, origin: string): boolean {
  const [old, now] = [listsOf(before, origin), listsOf(after, origin)];
  return old.length === now.length && old.every((list, at) => list === now[at]);
}

/** Of each team that the origin lists, in that order. */
function listsOf(desired: Desired, origin: string) {
  const teams = claimOf(desired.origins, origin)?.value?.teams ?? [];
  return teams.flatMap((team) => lookup(desired.asked, sectionName(origin, team)) ?? []);
}

function askedBy(place: Route | Path, team: string, at: string): BoundedPlace[] {
  const key = keyOf(place.check);
  if (key === undefined) return [];
  return backendsOf(place).map(({ origin }) => ({ group: sectionName(origin, team), key, pointer: `${at}/check` }));
}

function keyOf(check: Check | undefined): string | undefined {
  if (check?.kind === 'icmp') return ICMP;
  return check?.kind === 'script' && check.script !== undefined ? `${SCRIPT}${check.script}` : undefined;
}
