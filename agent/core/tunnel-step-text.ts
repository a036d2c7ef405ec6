// Steps of the tunnel in words, for log lines and reports. Law: nodes by their names; a key that nobody named is shown by its beginning.
import type { NodeConfig } from '../../bundle/config.ts';
import type { TunnelStep } from '../ports/tunnel.ts';
import { keysOf } from './two-keys.ts';

/** `names`: public key → node. */
export function stepText(step: TunnelStep, names: ReadonlyMap<string, string>): string {
  const nameOf = (key: string) => names.get(key) ?? `key ${key.slice(0, 8)}…`;
  switch (step.kind) {
    case 'start':
      return 'started the tunnel';
    case 'address':
      return `address ${step.address}`;
    case 'listenPort':
      return `listen port ${step.port}`;
    case 'setPeer':
      return `set peer ${nameOf(step.peer.publicKey)}`;
    case 'rekey':
      return 'took another key';
    case 'removePeer':
      return `removed peer ${nameOf(step.publicKey)}`;
  }
}

/** Public key → node, both keys of a peer that has two. */
export function namesOfPeers({ wireguard }: NodeConfig): Map<string, string> {
  return new Map(wireguard.peers.flatMap((peer) => keysOf(peer).map((key) => [key, peer.node])));
}
