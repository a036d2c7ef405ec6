// What a merge would change, as a value that people read before they agree: sorted, serialisable, and fit to be shown. Law: no secret is
// in it, and no character that acts on a terminal.
import type { NodeRole } from '../../../bundle/config.ts';
import type { Verdict } from '../guard.ts';
import type { HostTarget } from '../plan-target.ts';
import type { PlannedRollout } from '../rollout/planned-rollout.ts';
import type { SlotState } from '../slots.ts';

/** One field, by its name in the file. `from` absent: it was not there; `to` absent: it goes. One item of a list is one change. */
export interface FieldChange {
  field: string;
  from?: string;
  to?: string;
  /** Both values stay unsaid: the field may hold a secret, or they differ only in what is not shown. */
  hidden?: 'added' | 'removed' | 'changed';
}

export interface Listed<T> {
  removed: T[];
  added: T[];
  changed: T[];
}

/** A hostname, or a public port. */
export interface RouteChange {
  /** `app.hoge.com`, `tcp 25565`. */
  name: string;
  /** The file that has the last word on it. */
  file: string;
  from?: HostTarget;
  to?: HostTarget;
  /** Sorted by field. Of an added route what `to` does not say. */
  fields: FieldChange[];
}

export interface NodeChange {
  node: string;
  role: NodeRole;
  file: string;
  /** Edges only. */
  pool?: string;
  /** After the merge; of a removed node, before it. */
  state: SlotState;
  fields: FieldChange[];
}

/** A pool in which something changes. A route that changes its pool leaves one and comes into another. */
export interface PoolChange {
  pool: string;
  hosts: Counts;
  ports: Counts;
  /** Its edges after the merge that are neither revoked nor compromised, sorted. */
  edges: string[];
}

/** A pool that has hosts and, after the merge and not before, no edge that is active. */
export interface BereftPool {
  pool: string;
  hosts: number;
  /** Those that are draining or suspended: they serve what they have. Sorted by name. */
  left: { node: string; state: SlotState }[];
}

export type Counts = Record<keyof Listed<unknown>, number>;

/** What the edges will order. Orders made before the merge are not known to git. */
export interface Certificates {
  /** How many names of a registered domain may get their first certificate in 7 days. */
  perWeek: number;
  /** By registered domain, sorted. `left`: of `perWeek`, before the merge; absent where nobody counted. */
  domains: { domain: string; hostnames: string[]; left?: number }[];
  /** Newly served and not ordered: HTTP-01 proves no wildcard (RFC 8555, 7.1.4), and its zone has no DNS-01. */
  wildcards: string[];
  /** By pool, sorted, because of edges that become compromised; absent: none. */
  anew?: ReorderedPool[];
}

/** What compromised edges had of a pool. */
export interface ReorderedPool {
  pool: string;
  /** The edges that become compromised, sorted. */
  edges: string[];
  /** Certificates that are ordered anew. */
  count: number;
  /** Hosts whose certificate a person brought, and has to replace; sorted. */
  brought: string[];
}

/** A service that a changed route needs and that the owner's announced allow-list keeps closed. */
export interface RefusedService {
  name: string;
  origin: string;
  /** As in an allow-list: `8080`, `53/udp`, `192.168.1.20:8080`. */
  service: string;
}

/** A secret that is not in git, to which a changed route newly refers. */
export interface NeededSecret {
  /** The hostname. */
  name: string;
  /** Where an operator puts it: `hoge/wiki-users`, `credential hoge.wiki-users`, `variable KOKOA_SECRET_HOGE__WIKI_USERS`. */
  place: string;
}

/** A name in DNS that comes, goes or leads elsewhere, in a zone of kokoa.yaml whose pools have names. */
export interface DnsChange {
  name: string;
  /** Who sets its records. */
  by: 'reconciler' | 'people';
  /** `CNAME edges.hoge.com`, `addresses of pool default`; `from` absent: it is new; `to` absent: it goes. */
  from?: string;
  to?: string;
  /** The apex of a zone of people: it cannot be a CNAME. */
  apex?: true;
}

export interface Changes {
  /** The commit compared with; absent: nothing was published before. */
  base?: string;
  hosts: Listed<RouteChange>;
  ports: Listed<RouteChange>;
  nodes: Listed<NodeChange>;
  /** Of kokoa.yaml, without `guards`. */
  settings: FieldChange[];
  /** How they go out; absent: to all edges that there are. */
  rollout?: PlannedRollout;
  pools: PoolChange[];
  /** Absent: none. */
  bereft?: BereftPool[];
  certificates: Certificates;
  /** Sorted by name; absent: none. */
  dns?: DnsChange[];
  /** Hosts and ports whose service will take every visitor for the edge: `proxyProtocol: false`, newly said. */
  addressesLost: string[];
  refusedServices: RefusedService[];
  /** Absent: none, so that nobody can be locked out of them. */
  neededLogins?: NeededSecret[];
  /** The same of certificates that people bring; absent: none. */
  neededCertificates?: NeededSecret[];
  /** Files that are not valid at the base: taken as absent there. */
  absentAtBase: string[];
  guard: Verdict;
}

/** True when a merge changes nothing for visitors, nodes or the fleet. */
export function isUnchanged({ hosts, ports, nodes, settings }: Changes): boolean {
  return settings.length === 0 && [hosts, ports, nodes].every((kind) => countOf(kind) === 0);
}

export function countOf({ removed, added, changed }: Listed<unknown>): number {
  return removed.length + added.length + changed.length;
}
