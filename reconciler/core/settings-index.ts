// kokoa.yaml, ready for questions that every route asks: built once per value, because there may be 100 000 routes.
import type { Kokoa } from '../../schemas/types.ts';
import { canonicalHostname } from './hostname.ts';

export interface SettingsIndex {
  /** Team → its grants in canonical form; those that are no hostnames are left out. */
  grants: ReadonlyMap<string, ReadonlySet<string>>;
  pools: ReadonlySet<string>;
}

const indexes = new WeakMap<Kokoa, SettingsIndex>();

/** The index of a kokoa.yaml. A team that stands there twice has the grants of both, so that only the repetition is reported. */
export function indexOf(kokoa: Kokoa): SettingsIndex {
  const known = indexes.get(kokoa);
  if (known !== undefined) return known;
  const grants = new Map<string, Set<string>>();
  for (const { name, hostnames } of kokoa.teams) {
    const granted = grants.get(name) ?? new Set();
    for (const typed of hostnames) {
      const result = canonicalHostname(typed);
      if (result.kind === 'hostname') granted.add(result.hostname);
    }
    grants.set(name, granted);
  }
  const index = { grants, pools: new Set(kokoa.pools.map(({ name }) => name)) };
  indexes.set(kokoa, index);
  return index;
}
