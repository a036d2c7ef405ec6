// A peer that replaces its WireGuard key has two of them for a while (ADR 24). Law: the one it shook hands with last has its address, and the
// rule has no memory.
import type { NodeConfig, Peer } from '../../bundle/config.ts';
import type { TunnelStep } from '../ports/tunnel.ts';

/** The keys of a peer, first its own. */
export function keysOf({ publicKey, nextPublicKey }: Peer): string[] {
  return nextPublicKey === undefined ? [publicKey] : [publicKey, nextPublicKey];
}

/**
 * Which key of a peer has its address: of two, whichever it shook hands with last, because that is what it sends with now.
 * `latest`: unix seconds of the newest handshake with a key; 0: never. In the same second the next key is the later one.
 */
export function keyInUse({ publicKey, nextPublicKey }: Peer, latest: (key: string) => number): string {
  if (nextPublicKey === undefined || latest(nextPublicKey) === 0) return publicKey;
  return latest(nextPublicKey) >= latest(publicKey) ? nextPublicKey : publicKey;
}

/** True for a step about a peer that has two keys in this config. */
export function isOfTwoKeys(step: TunnelStep, { wireguard }: NodeConfig): boolean {
  if (step.kind !== 'setPeer') return false;
  const peer = wireguard.peers.find((one) => keysOf(one).includes(step.peer.publicKey));
  return peer?.nextPublicKey !== undefined;
}
