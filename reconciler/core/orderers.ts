// Which edge orders a host's certificate: exactly one per host, the same for everybody who asks.
import type { Lease } from '../ports/store.ts';
import type { FleetNode } from './fleet.ts';
import { type EarlierChoice, rendezvousAfter } from './rendezvous.ts';

/** The edges that may order, of one pool. */
export interface Orderers {
  /** Active members: a lease names one of them or nobody. */
  members: ReadonlySet<string>;
  /** Who takes part in the choice: members with an ACME account, or all while none has one yet. */
  candidates: ReadonlySet<string>;
}

const NOBODY: Orderers = { members: new Set(), candidates: new Set() };

/** By pool. Draining and suspended edges order nothing. */
export function orderersOf(fleet: readonly FleetNode[]): Map<string, Orderers> {
  const active = fleet.filter(
    ({ state, pool, recipient, signingKey }) =>
      state === 'active' && pool !== undefined && recipient !== undefined && signingKey !== undefined,
  );
  const byPool = Map.groupBy(active, ({ pool }) => pool!);
  return new Map(
    [...byPool].map(([pool, edges]) => {
      const registered = edges.filter(({ acmeThumbprint }) => acmeThumbprint !== undefined);
      return [pool, { members: namesOf(edges), candidates: namesOf(registered.length > 0 ? registered : edges) }];
    }),
  );
}

export function orderersIn(pools: ReadonlyMap<string, Orderers>, pool: string): Orderers {
  return pools.get(pool) ?? NOBODY;
}

export function sameOrderers(a: Orderers, b: Orderers): boolean {
  return sameMembers(a.members, b.members) && sameMembers(a.candidates, b.candidates);
}

/** `pool` and `hostname` → who holds the lease at `now`. */
export type LeaseHolders = ReadonlyMap<string, string>;

export function leaseKey(pool: string, hostname: string): string {
  return `${pool}\n${hostname}`;
}

export function hostOfLease(key: string): string {
  return key.slice(key.indexOf('\n') + 1);
}

export function leaseHoldersOf(leases: readonly Lease[], now: Date): LeaseHolders {
  const nowMs = now.getTime();
  return new Map(
    leases.filter(({ expiresMs }) => expiresMs > nowMs).map((one) => [leaseKey(one.pool, one.hostname), one.node]),
  );
}

export interface OrdererChoice {
  /** The rendezvous winner, kept to make the next choice cheap. */
  winner: string | undefined;
  orderer: string | undefined;
}

/** The lease holder if it is an active member, else the rendezvous. A wildcard has none: HTTP-01 cannot prove it (RFC 8555 §7.1.4). */
export function chooseOrderer(
  hostname: string,
  orderers: Orderers,
  leaseHolder: string | undefined,
  earlier: EarlierChoice | undefined,
): OrdererChoice {
  if (hostname.startsWith('*.')) return { winner: undefined, orderer: undefined };
  const winner = rendezvousAfter(hostname, orderers.candidates, earlier);
  const held = leaseHolder !== undefined && orderers.members.has(leaseHolder);
  return { winner, orderer: held ? leaseHolder : winner };
}

function namesOf(edges: readonly FleetNode[]): Set<string> {
  return new Set(edges.map(({ node }) => node));
}

function sameMembers(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((node) => b.has(node));
}
