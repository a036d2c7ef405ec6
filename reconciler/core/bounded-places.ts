// What routes take of that of which there may be only so many in a group: the classes and the lists of backends of a team.
import { sha256Hex } from '../../bundle/canonical.ts';
import type { LoadedFile } from './files.ts';
import { POLICY_FIELDS, policyOf, upstreamsOf } from './policy-class.ts';
import { isLayer4 } from './public-port.ts';

type RouteFile = LoadedFile<'route'>;

/** Something of which there may be only so many distinct ones in a group. */
export interface BoundedPlace {
  group: string;
  key: string;
  /** JSON pointer of what names it. */
  pointer: string;
}

/** The policy class of a route, among those of its team. What passes through unopened is of none. */
export function policyPlaces({ value, team = '' }: RouteFile): BoundedPlace[] {
  if (value === undefined || isLayer4(value)) return [];
  const field = POLICY_FIELDS.find((name) => name in value);
  return [{ group: team, key: shortKey(policyOf(value)), pointer: field === undefined ? '' : `/${field}` }];
}

/** The lists of several backends of a route, among those of its team. */
export function upstreamPlaces({ value, hostname = '', team = '' }: RouteFile): BoundedPlace[] {
  if (value === undefined) return [];
  return upstreamsOf(value, hostname).map(({ key, pointer }) => ({ group: team, key: shortKey(key), pointer }));
}

/** The lists of addresses of a route, among those of its team: each distinct one is a set that the web server holds. */
export function networkPlaces({ value, team = '' }: RouteFile): BoundedPlace[] {
  if (value === undefined) return [];
  const { allow, deny, maintenance, paths = [] } = value;
  const lists: [pointer: string, networks: readonly string[] | undefined][] = [
    ['/allow', allow],
    ['/deny', deny],
    ['/maintenance/allow', maintenance?.allow],
    ...paths.flatMap((path, index): [string, string[] | undefined][] => [
      [`/paths/${index}/allow`, path.allow],
      [`/paths/${index}/deny`, path.deny],
    ]),
  ];
  // As typed: a list that is only written otherwise counts again, and no list has to be read for it.
  return lists.flatMap(([pointer, networks]) =>
    networks === undefined ? [] : [{ group: team, key: sha256Hex(networks.toSorted().join(' ')), pointer }],
  );
}

let plain: { text: string; key: string } | undefined;

/** Nearly all routes are of the same class: its hash is made once in a row. */
function shortKey(text: string): string {
  if (plain?.text !== text) plain = { text, key: sha256Hex(text) };
  return plain.key;
}
