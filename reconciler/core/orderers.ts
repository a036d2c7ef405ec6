// Which edge orders a certificate: exactly one for each name, the same for everybody who asks.
import type { Lease } from '../ports/store.ts';
import type { FleetNode } from './fleet.ts';
import { type EarlierChoice, rendezvous, rendezvousAfter } from './rendezvous.ts';

/** The edges that may order, of one pool. */
export interface Orderers {
  /** Active members that are heard: a lease names one of them or nobody. */
  members: ReadonlySet<string>;
  /** Whose names are dealt out, heard or not: members with an ACME account, or all while none has one yet. */
  candidates: ReadonlySet<string>;
  /** Those of them that are heard; all while nobody is. */
  heard: ReadonlySet<string>;
}

const NOBODY: Orderers = { members: new Set(), candidates: new Set(), heard: new Set() };

/** By pool. Draining and suspended edges order nothing, silent ones as long as others are heard. */
export function orderersOf(fleet: readonly FleetNode[], silent: ReadonlySet<string>): Map<string, Orderers> {
  const active = fleet.filter(
    ({ state, pool, recipient, signingKey }) =>
      state === 'active' && pool !== undefined && recipient !== undefined && signingKey !== undefined,
  );
  const byPool = Map.groupBy(active, ({ pool }) => pool!);
  return new Map(
    [...byPool].map(([pool, edges]) => {
      const registered = edges.filter(({ acmeThumbprint }) => acmeThumbprint !== undefined);
      const candidates = namesOf(registered.length > 0 ? registered : edges);
      return [pool, { members: heardOf(namesOf(edges), silent), candidates, heard: heardOf(candidates, silent) }];
    }),
  );
}

export function orderersIn(pools: ReadonlyMap<string, Orderers>, pool: string): Orderers {
  return pools.get(pool) ?? NOBODY;
}

/** Nobody is heard: then it is the network, and all count. */
function heardOf(edges: ReadonlySet<string>, silent: ReadonlySet<string>): ReadonlySet<string> {
  const heard = new Set([...edges].filter((edge) => !silent.has(edge)));
  return heard.size > 0 ? heard : edges;
}

export function sameOrderers(a: Orderers, b: Orderers): boolean {
  return sameMembers(a.members, b.members) && sameCandidates(a, b) && sameMembers(a.heard, b.heard);
}

/** Only who is heard has changed, if anything: then few names change hands. */
export function sameCandidates(a: Orderers, b: Orderers): boolean {
  return sameMembers(a.candidates, b.candidates);
}

/** Where the candidates are what they were: whether a choice may be another now. A lease that counts anew is looked at by itself. */
export function mayMove({ winner, orderer }: OrdererChoice, { heard }: Orderers): boolean {
  return orderer === undefined || orderer !== winner || !heard.has(orderer);
}

/** `pool` and `hostname` → who holds the lease at `now`. */
export type LeaseHolders = ReadonlyMap<string, string>;

export function leaseKey(pool: string, hostname: string): string {
  return `${pool}\n${hostname}`;
}

export function hostOfLease(key: string): string {
  return key.slice(key.indexOf('\n') + 1);
}

/** Who orders by a lease: its holder, as long as that is one of those who may. */
export function holderThatCounts(
  key: string,
  { leases, orderers }: { leases: LeaseHolders; orderers: ReadonlyMap<string, Orderers> },
): string | undefined {
  const holder = leases.get(key);
  const { members } = orderersIn(orderers, key.slice(0, key.indexOf('\n')));
  return holder !== undefined && members.has(holder) ? holder : undefined;
}

export function leaseHoldersOf(leases: readonly Lease[], now: Date): LeaseHolders {
  const nowMs = now.getTime();
  return new Map(
    leases.filter(({ expiresMs }) => expiresMs > nowMs).map((one) => [leaseKey(one.pool, one.hostname), one.node]),
  );
}

export interface OrdererChoice {
  /** The rendezvous winner of all candidates, heard or not, kept to make the next choice cheap. */
  winner: string | undefined;
  orderer: string | undefined;
}

/** The lease holder if it is an active member that is heard, else the rendezvous of those who are. */
export function chooseOrderer(
  certificate: string,
  orderers: Orderers,
  leaseHolder: string | undefined,
  earlier: EarlierChoice | undefined,
): OrdererChoice {
  const winner = rendezvousAfter(certificate, orderers.candidates, earlier);
  if (leaseHolder !== undefined && orderers.members.has(leaseHolder)) return { winner, orderer: leaseHolder };
  const isHeard = winner === undefined || orderers.heard.has(winner);
  return { winner, orderer: isHeard ? winner : rendezvous(certificate, orderers.heard) };
}

function namesOf(edges: readonly FleetNode[]): Set<string> {
  return new Set(edges.map(({ node }) => node));
}

function sameMembers(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((node) => b.has(node));
}
