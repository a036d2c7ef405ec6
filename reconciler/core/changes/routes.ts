// How one route, before and after, becomes a change: removed, added, or changed field by field.
import type { LoadedFile } from '../files.ts';
import type { HostTarget } from '../plan-target.ts';
import type { FieldChange, Listed, RouteChange } from './change.ts';
import { type Facts, factsOf } from './facts.ts';
import { fieldChanges } from './fields.ts';
import { plain, shownValue } from './shown-value.ts';

/** A route as it is served. */
export interface PlacedRoute {
  file: LoadedFile<'route'>;
  pool: string;
  /** Absent: closed, because its time is over. */
  target?: HostTarget;
}

/** Said by the target of an added route. */
const TOLD = new Set(['team', 'pool', 'origin', 'port', 'host', 'backends', 'redirect.to']);
const ADDRESS = 'address of ';

/** Notes what becomes of one name, if anything does. */
export function noteRoute(
  list: Listed<RouteChange>,
  name: string,
  before: PlacedRoute | undefined,
  after: PlacedRoute | undefined,
): void {
  const [from, to] = [before?.target, after?.target];
  const file = (after ?? before)?.file;
  if (file === undefined || (from === undefined && to === undefined)) return;
  const fields = fieldChanges(factsOfRoute(before), factsOfRoute(after)).filter(isWorthSaying);
  const change = {
    ...{ name, file: plain(file.path) },
    ...(from && { from: shownTarget(from) }),
    ...(to && { to: shownTarget(to) }),
  };
  if (to === undefined) list.removed.push({ ...change, fields: after === undefined ? [] : fields });
  else if (from === undefined) list.added.push({ ...change, fields: fields.filter(({ field }) => !TOLD.has(field)) });
  else if (fields.length > 0) list.changed.push({ ...change, fields });
}

/** What its file says, with what others decide for it: the pool where it names none, and where its origins are. */
function factsOfRoute(placed: PlacedRoute | undefined): Facts {
  if (placed?.file.value === undefined) return new Map();
  const { hostname: _, publicPort: __, pool: ___, ...rest } = placed.file.value;
  const facts = factsOf(rest);
  const set = (field: string, text: string) => facts.set(field, { kind: 'value', text });
  set('pool', placed.pool);
  set('team', placed.file.team ?? '');
  const { backends = [], paths = [] } = placed.target ?? {};
  for (const { origin, address } of [backends, ...paths.map((path) => path.backends)].flat()) {
    set(ADDRESS + origin, address);
  }
  return facts;
}

/** Where an origin is counts only where it moves. */
function isWorthSaying({ field, from, to }: FieldChange): boolean {
  return !field.startsWith(ADDRESS) || (from !== undefined && to !== undefined);
}

/** The URL of a redirect is the one text in a target that people choose freely. */
function shownTarget(target: HostTarget): HostTarget {
  return target.redirect === undefined ? target : { ...target, redirect: shownValue(target.redirect) };
}
