// Logins and certificates that an operator has to bring: a secret that a changed route refers to and did not before. Law: only names are said, and
// nothing of what a store or a machine knows: whether the secret is there already is not known here.
import type { Route, SecretReference } from '../../../schemas/types.ts';
import { ownCertificateOf, usersOf } from '../route-secrets.ts';
import { placeOf, type ReadablePlace } from '../secret-reference.ts';
import type { NeededSecret } from './change.ts';
import type { PlacedRoute } from './routes.ts';
import { plain } from './shown-value.ts';

type References = (route: Route) => readonly SecretReference[];

export const LOGINS: References = usersOf;
export const CERTIFICATES: References = (route) => {
  const certificate = ownCertificateOf(route);
  return certificate === undefined ? [] : [certificate];
};

/** Sorted by place; a reference that the same name had before needs nothing new. */
export function neededSecrets(
  references: References,
  name: string,
  before: PlacedRoute | undefined,
  after: PlacedRoute | undefined,
): NeededSecret[] {
  const known = new Set(placesIn(references, before));
  return [...new Set(placesIn(references, after))]
    .filter((place) => !known.has(place))
    .sort()
    .map((place) => ({ name, place }));
}

function placesIn(references: References, placed: PlacedRoute | undefined): string[] {
  const { value, team = '' } = placed?.file ?? {};
  if (value === undefined) return [];
  return references(value).flatMap((reference) => {
    const place = placeOf(team, reference);
    return place.kind === 'sealed' || place.kind === 'nowhere' ? [] : [plain(placeWords(place))];
  });
}

/** As docs/secrets.md names it. */
function placeWords(place: ReadablePlace): string {
  if (place.kind === 'file') return `${place.team}/${place.name}`;
  return place.kind === 'credential' ? `credential ${place.name}` : `variable ${place.variable}`;
}
