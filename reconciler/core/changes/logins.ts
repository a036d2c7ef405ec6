// Logins that an operator has to bring: a secret that a changed route refers to and did not before. Law: only names are said, and nothing of
// what a store or a machine knows: whether the secret is there already is not known here.

import { usersOf } from '../route-secrets.ts';
import { placeOf, type ReadablePlace } from '../secret-reference.ts';
import type { NeededLogin } from './change.ts';
import type { PlacedRoute } from './routes.ts';
import { plain } from './shown-value.ts';

/** Sorted by place; a reference that the same name had before needs nothing new. */
export function neededLogins(
  name: string,
  before: PlacedRoute | undefined,
  after: PlacedRoute | undefined,
): NeededLogin[] {
  const known = new Set(placesIn(before));
  return [...new Set(placesIn(after))]
    .filter((place) => !known.has(place))
    .sort()
    .map((place) => ({ name, place }));
}

function placesIn(placed: PlacedRoute | undefined): string[] {
  const { value, team = '' } = placed?.file ?? {};
  if (value === undefined) return [];
  return usersOf(value).flatMap((reference) => {
    const place = placeOf(team, reference);
    return place.kind === 'sealed' || place.kind === 'nowhere' ? [] : [plain(placeWords(place))];
  });
}

/** As docs/secrets.md names it. */
function placeWords(place: ReadablePlace): string {
  if (place.kind === 'file') return `${place.team}/${place.name}`;
  return place.kind === 'credential' ? `credential ${place.name}` : `variable ${place.variable}`;
}
