// kokoa.yaml, ready for questions that every route asks: built once per value, because there may be 100 000 routes.
import type { Kokoa } from '../../schemas/types.ts';
import { canonicalHostname } from './hostname.ts';
import { type PortRange, readPortRange } from './public-port.ts';

export interface SettingsIndex {
  /** Team → its grants in canonical form; those that are no hostnames are left out. */
  grants: ReadonlyMap<string, ReadonlySet<string>>;
  /** Team → the public ports it may take; ranges that are none are left out. */
  ports: ReadonlyMap<string, readonly PortRange[]>;
  pools: ReadonlySet<string>;
  /** Pools in which TLS may pass through. */
  passthrough: ReadonlySet<string>;
  /** Of routes that name none; undefined: there is no pool. */
  defaultPool: string | undefined;
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
  const ports = new Map<string, PortRange[]>();
  for (const { name, ports: typed = [] } of kokoa.teams) {
    const ranges = typed.map((one) => readPortRange(`${one}`)).filter((range) => range !== undefined);
    ports.set(name, [...(ports.get(name) ?? []), ...ranges]);
  }
  const passing = kokoa.pools.filter(({ tlsPassthrough }) => tlsPassthrough === true);
  const index = {
    grants,
    ports,
    pools: new Set(kokoa.pools.map(({ name }) => name)),
    passthrough: new Set(passing.map(({ name }) => name)),
    defaultPool: kokoa.pools[0]?.name,
  };
  indexes.set(kokoa, index);
  return index;
}
