// What checks of routes ask of a machine itself, beside its services: to answer ping, and what a script of its owner says. The origin is told, so
// that its packet filter lets the question in and no other.
import type { AskedOrigin } from '../../bundle/config.ts';
import { SCRIPTS_MAX } from '../../bundle/config-schema.ts';
import type { Check, Path, Route } from '../../schemas/types.ts';
import type { Desired } from './desired.ts';
import { entriesOf, lookup } from './persistent-map.ts';
import { backendsOf } from './route-targets.ts';

const ICMP = 'icmp';
const SCRIPT = 'script ';

/** `group`: an origin. A place that is named twice stands here twice. */
export function askedPlaces(route: Route): { group: string; key: string }[] {
  return [route, ...(route.paths ?? [])].flatMap(askedBy);
}

/** Undefined: nothing. Scripts beyond the bound are left out, always the same ones; edges find them down. */
export function askedOf(desired: Desired, origin: string): AskedOrigin | undefined {
  const keys = [...entriesOf(lookup(desired.asked, origin))].map(([key]) => key).sort();
  if (keys.length === 0) return undefined;
  const scripts = keys.filter((key) => key.startsWith(SCRIPT)).map((key) => key.slice(SCRIPT.length));
  return {
    ...(keys.includes(ICMP) && { icmp: true }),
    ...(scripts.length > 0 && { scripts: scripts.slice(0, SCRIPTS_MAX) }),
  };
}

function askedBy(place: Route | Path): { group: string; key: string }[] {
  const key = keyOf(place.check);
  return key === undefined ? [] : backendsOf(place).map(({ origin }) => ({ group: origin, key }));
}

function keyOf(check: Check | undefined): string | undefined {
  if (check?.kind === 'icmp') return ICMP;
  return check?.kind === 'script' && check.script !== undefined ? `${SCRIPT}${check.script}` : undefined;
}
