// The nodes that serve, with what is known of each: git's word first, then what the node announced under its token.
import type { CheckPace, EdgePart, NodeRole, Peer, PoolMember } from '../../bundle/config.ts';
import { KokoaError } from '../../bundle/error.ts';
import { isPublicAddress } from '../../bundle/public-address.ts';
import type { Edge, Kokoa, Limits, Origin, PoolCheck } from '../../schemas/types.ts';
import type { BoundEnrolment } from '../ports/store.ts';
import type { Desired } from './desired.ts';
import { millisecondsOf } from './duration.ts';
import { enrolmentInForce } from './enrolment.ts';
import { isServed, type Slot, type SlotState, slotsOf } from './slots.ts';
import { canonicalNetworks } from './wire/networks.ts';

/** Where the tunnels of an edge come in, when its file does not say. */
export const EDGE_PORT_DEFAULT = 51820;

/** What every config needs of kokoa.yaml; `guards`, teams and zones are not among it. */
export interface Settings {
  acme: EdgePart['acme'];
  urls: string[];
  network: string;
  defaultPool: string;
  limits: Limits;
  /** By name; only those that say something. */
  pools: Record<string, PoolSettings>;
  /** Pools whose edges are looked at from outside: those with a name in DNS, and no load balancer in front, past which they answer nobody. Sorted. */
  watched: string[];
  /** Of those by name, how often they are; only those that say something. */
  paces: Record<string, CheckPace>;
}

/** What the edges of a pool are told of their listeners and of their identity, whatever its routes. */
export type PoolSettings = Pick<EdgePart, 'tlsPassthrough' | 'proxyProtocolFrom' | 'escrow' | 'identityEpoch'>;

export interface FleetNode {
  node: string;
  role: NodeRole;
  state: SlotState;
  /** Edges only. */
  pool?: string;
  address: string;
  /** UDP listen port; absent: any. */
  port?: number;
  /** Origins that edges dial: `ip:port`. */
  endpoint?: string;
  /** Edges: where origins dial them, when a public address is known. */
  publicEndpoint?: string;
  /** Edges: where visitors may be sent, IPv4 first; absent: no such address is known. */
  publicAddresses?: string[];
  publicKey?: string;
  /** The key that `publicKey` is being replaced by. */
  nextPublicKey?: string;
  /** The announced key is another node's too: used by neither, unless git pins it for one. */
  keyClash?: true;
  signingKey?: string;
  recipient?: string;
  acmeThumbprint?: string;
}

/** @throws KokoaError kokoa_missing when there is no valid kokoa.yaml: nothing can be compiled then. */
export function settingsOf(desired: Desired): Settings {
  const value: Kokoa | undefined = desired.kokoa?.value;
  const defaultPool = value?.pools[0]?.name;
  if (value === undefined || defaultPool === undefined) {
    throw new KokoaError('kokoa_missing', 'there is no valid kokoa.yaml to compile with', {
      hint: 'run `kokoa validate` and correct what it lists',
    });
  }
  const { acme, controlPlane, network, defaults } = value;
  return {
    ...{ acme: toldOf(acme), urls: controlPlane.urls, network: network.wireguard },
    ...{ defaultPool, limits: defaults?.limits ?? {}, pools: poolSettings(value), watched: watchedPools(value) },
    paces: pacesOf(value),
  };
}

/** What is limited is the reconciler's to keep. */
function toldOf({ limits: _, ...told }: Kokoa['acme']): Settings['acme'] {
  return told;
}

function watchedPools({ pools }: Kokoa): string[] {
  const watched = pools.filter(({ hostname, proxyProtocolFrom }) => hostname !== undefined && !proxyProtocolFrom);
  return watched.map(({ name }) => name).sort();
}

/** An edge that is gone is down after 4.5 to 7.5 s. */
export const EDGE_PACE: CheckPace = { intervalMs: 2_000, timeoutMs: 1_500, healthy: 5, unhealthy: 3 };

function pacesOf({ pools }: Kokoa): Settings['paces'] {
  return Object.fromEntries(pools.flatMap(({ name, check }) => (check ? [[name, paceOf(check)]] : [])));
}

function paceOf({ interval, timeout, healthy, unhealthy }: PoolCheck): CheckPace {
  const intervalMs = interval === undefined ? EDGE_PACE.intervalMs : millisecondsOf(interval);
  const timeoutMs = timeout === undefined ? EDGE_PACE.timeoutMs : millisecondsOf(timeout);
  return {
    ...{ intervalMs, timeoutMs: Math.min(timeoutMs, intervalMs) },
    ...{ healthy: healthy ?? EDGE_PACE.healthy, unhealthy: unhealthy ?? EDGE_PACE.unhealthy },
  };
}

function poolSettings({ pools }: Kokoa): Settings['pools'] {
  const said = pools.map(
    ({ name, tlsPassthrough, proxyProtocolFrom: from, escrow, identityEpoch }): [string, PoolSettings] => [
      name,
      {
        ...(tlsPassthrough && { tlsPassthrough }),
        ...(from && { proxyProtocolFrom: canonicalNetworks(from) }),
        ...(escrow !== undefined && { escrow }),
        ...(identityEpoch !== undefined && { identityEpoch }),
      },
    ],
  );
  return Object.fromEntries(said.filter(([, settings]) => Object.keys(settings).length > 0));
}

/** Every slot that is neither revoked nor compromised, sorted by name. */
export function fleetOf(
  desired: Desired,
  settings: Settings,
  enrolments: ReadonlyMap<string, BoundEnrolment>,
): FleetNode[] {
  const slots = slotsOf(desired).filter(isServed);
  const fleet = slots.map((slot) => fleetNode(slot, settings, enrolments.get(slot.node)));
  const pinned = new Set(slots.map(({ file }) => file.value?.wireguard.publicKey));
  const holders = Map.groupBy(fleet, ({ publicKey }) => publicKey);
  const nextHolders = Map.groupBy(fleet, ({ nextPublicKey }) => nextPublicKey);
  return fleet.map((one, index) => {
    const pin = slots[index]?.file.value?.wireguard.publicKey;
    const { publicKey, nextPublicKey, ...keyless } = one;
    const next = nextPublicKey === undefined || pin !== undefined ? undefined : nextPublicKey;
    // One key of two peers would stop the tunnels of all who have both as peers.
    const isOwn = next !== undefined && nextHolders.get(next)!.length === 1 && !holders.has(next) && !pinned.has(next);
    const known = { ...keyless, ...(publicKey !== undefined && { publicKey }), ...(isOwn && { nextPublicKey: next }) };
    if (publicKey === undefined || pin !== undefined) return known;
    return pinned.has(publicKey) || holders.get(publicKey)!.length > 1 ? { ...keyless, keyClash: true } : known;
  });
}

/**
 * The peers of an edge: every origin whose key is known, also one no route points at yet, so that a tunnel stands before its
 * first route does. It opens nothing: an origin admits only ports that routes declare and its owner allows.
 */
export function edgePeers(fleet: readonly FleetNode[]): Peer[] {
  return fleet.flatMap((peer) =>
    peer.role === 'origin' && peer.publicKey !== undefined ? [peerOf(peer, peer.publicKey, peer.endpoint)] : [],
  );
}

/** The peers of an origin: every edge with a key, and with a public address where the origin is the one who dials. */
export function originPeers(fleet: readonly FleetNode[], origin: FleetNode): Peer[] {
  const dials = origin.endpoint === undefined;
  return fleet.flatMap((peer) => {
    if (peer.role !== 'edge' || peer.publicKey === undefined) return [];
    if (!dials) return [peerOf(peer, peer.publicKey, undefined)];
    return peer.publicEndpoint === undefined ? [] : [peerOf(peer, peer.publicKey, peer.publicEndpoint)];
  });
}

/** The edges of a pool that can be wrapped to and verified. */
export function poolMembers(fleet: readonly FleetNode[], pool: string): PoolMember[] {
  return fleet.flatMap(({ node, pool: of, recipient, signingKey, acmeThumbprint }) =>
    of === pool && recipient !== undefined && signingKey !== undefined
      ? [{ node, recipient, signingKey, ...(acmeThumbprint !== undefined && { acmeThumbprint }) }]
      : [],
  );
}

/** One line per node that some list leaves out, naming what it has not announced. */
export function unannouncedOf(fleet: readonly FleetNode[]): string[] {
  return fleet.flatMap((one) => {
    const missing = [
      one.publicKey === undefined && (one.keyClash ? 'a WireGuard key of its own' : 'WireGuard key'),
      one.role === 'edge' && one.publicEndpoint === undefined && 'public address',
      one.role === 'edge' && one.recipient === undefined && 'age recipient',
      one.role === 'edge' && one.signingKey === undefined && 'signing key',
    ].filter((word) => word !== false);
    return missing.length === 0 ? [] : [`${one.role} ${one.node}: not announced: ${missing.join(', ')}`];
  });
}

function fleetNode(slot: Slot, settings: Settings, bound: BoundEnrolment | undefined): FleetNode {
  const announced = enrolmentInForce(slot, bound);
  const value = slot.file.value!;
  const publicKey = value.wireguard.publicKey ?? (announced?.wireguardPublicKey || undefined);
  const common = {
    node: slot.node,
    role: slot.role,
    state: slot.state,
    address: value.wireguard.address,
    ...(publicKey !== undefined && { publicKey }),
    ...(announced?.signingKey && { signingKey: announced.signingKey }),
    ...(announced?.nextWireguardPublicKey !== undefined && { nextPublicKey: announced.nextWireguardPublicKey }),
  };
  if (slot.role === 'origin') {
    const { endpoint } = (value as Origin).wireguard;
    return { ...common, ...(endpoint !== undefined && { endpoint, port: Number(/[0-9]+$/.exec(endpoint)?.[0]) }) };
  }
  const edge = value as Edge;
  const port = edge.wireguard.port ?? EDGE_PORT_DEFAULT;
  const publicEndpoint = endpointOf(edge.address ?? announced?.address, port);
  const publicAddresses = visitorAddresses(edge.address, announced?.address);
  return {
    ...common,
    pool: edge.pool ?? settings.defaultPool,
    port,
    ...(publicEndpoint !== undefined && { publicEndpoint }),
    ...(publicAddresses.length > 0 && { publicAddresses }),
    ...(announced?.recipient !== undefined && { recipient: announced.recipient }),
    ...(announced?.acmeThumbprint !== undefined && { acmeThumbprint: announced.acmeThumbprint }),
  };
}

/** IPv4 first: more of the networks behind which origins stand have it. */
function endpointOf(address: { ipv4?: string; ipv6?: string } | undefined, port: number): string | undefined {
  if (address?.ipv4 !== undefined) return `${address.ipv4}:${port}`;
  return address?.ipv6 === undefined ? undefined : `[${address.ipv6}]:${port}`;
}

/** What git says counts whatever it is; what a machine says of itself counts where the internet can reach it. */
function visitorAddresses(said: Edge['address'], announced: Edge['address']): string[] {
  const { ipv4, ipv6 } = said ?? announced ?? {};
  const all = [ipv4, ipv6].filter((address) => address !== undefined);
  return said === undefined ? all.filter((address) => isPublicAddress(address)) : all;
}

function peerOf(node: FleetNode, publicKey: string, endpoint: string | undefined): Peer {
  const { nextPublicKey } = node;
  return {
    node: node.node,
    publicKey,
    ...(nextPublicKey !== undefined && { nextPublicKey }),
    address: node.address,
    ...(endpoint !== undefined && { endpoint }),
  };
}
