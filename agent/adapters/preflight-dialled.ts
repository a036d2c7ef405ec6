// The edges that this node dials: whether WireGuard reaches them, and where it does not, whether TCP does. Bounded by one patience for
// all of them.
import { setTimeout as delay } from 'node:timers/promises';
import type { Peer } from '../../bundle/config.ts';
import { SESSION_SECONDS } from '../core/dialling.ts';
import type { DialledFact } from '../core/preflight-network.ts';
import type { TunnelState } from '../ports/tunnel.ts';
import { isOneReachable } from './reach.ts';

const LOOK_EVERY_MS = 500;
const TCP_PORTS = [443, 80];

/** Waits up to `patienceMs` for the first handshakes. Empty while there is no tunnel. */
export async function observeDialled(
  peers: readonly Peer[],
  read: () => Promise<TunnelState>,
  patienceMs: number,
): Promise<DialledFact[]> {
  const deadline = performance.now() + patienceMs;
  let state = await read();
  while (state.up && peers.some((peer) => handshakeOf(peer, state) !== 'fresh') && performance.now() < deadline) {
    await delay(LOOK_EVERY_MS);
    state = await read();
  }
  if (!state.up) return [];
  const dialled = peers.flatMap(({ node, endpoint, ...peer }) =>
    endpoint === undefined ? [] : [{ node, endpoint, handshake: handshakeOf(peer, state) }],
  );
  return Promise.all(
    dialled.map(async (one) => ({ ...one, answersByTcp: one.handshake === 'fresh' || (await answers(one.endpoint)) })),
  );
}

function handshakeOf({ publicKey }: Pick<Peer, 'publicKey'>, { peers }: TunnelState): DialledFact['handshake'] {
  const latest = peers.find((peer) => peer.publicKey === publicKey)?.latestHandshake ?? 0;
  if (latest === 0) return 'never';
  return Date.now() / 1000 - latest < SESSION_SECONDS ? 'fresh' : 'stale';
}

function answers(endpoint: string): Promise<boolean> {
  const host = endpoint.slice(0, endpoint.lastIndexOf(':'));
  return isOneReachable(TCP_PORTS.map((port) => `https://${host}:${port}`));
}
