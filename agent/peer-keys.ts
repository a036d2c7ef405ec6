// Peers that replace their WireGuard keys: as soon as one shakes hands with its next key, its address moves to that key (ADR 24). Law: looked at
// often only while a peer has two keys, and moved in the turn of everything else that changes the tunnel.
import type { NodeConfig, Peer } from '../bundle/config.ts';
import { NOBODY_WATCHED, nextLook, SELDOM_MS, tellable } from './core/look-pace.ts';
import { keyInUse } from './core/two-keys.ts';
import { pause } from './follow.ts';
import type { NetworkKeys } from './network-keys.ts';
import { createNews, type Log } from './news.ts';

export interface PeerKeysParts {
  network: Pick<NetworkKeys, 'followKeys' | 'moveKeys'>;
  handshakes(): Promise<ReadonlyMap<string, number>>;
  log: Log;
}

export interface PeerKeys {
  /** Looks until `signal` aborts; `config` is what the node runs on. Never throws. */
  run(config: () => NodeConfig | undefined, signal: AbortSignal): Promise<void>;
}

export function createPeerKeys(parts: PeerKeysParts): PeerKeys {
  return {
    async run(config, signal) {
      const news = createNews(parts.log);
      const look = createLook(parts);
      let watch = NOBODY_WATCHED;
      while (!signal.aborted) {
        const peers = withTwoKeys(config());
        const next = nextLook(watch, peers, performance.now());
        watch = next.watch;
        try {
          const told = tellable(watch, await look(peers));
          watch = told.watch;
          if (told.nodes.length > 0) parts.log.info({ node: told.nodes }, 'a peer uses another key');
          news.over('keys', 'keys of peers are followed again');
        } catch (error) {
          news.trouble('keys', 'failed', { reason: String(error) }, 'cannot follow the keys of peers');
        }
        await pause(next.pauseMs, signal);
      }
    },
  };
}

/** Moves addresses to the keys in use. Answers the nodes that changed since the look before this one. @throws KokoaError tunnel_failed */
function createLook({ network, handshakes }: PeerKeysParts): (peers: readonly Peer[]) => Promise<string[]> {
  /** Node → its key, of those who had two at the last look. */
  let seen: ReadonlyMap<string, string> = new Map();
  let plannedAt = 0;

  return async (peers) => {
    const latest = peers.length > 0 ? await handshakes() : new Map<string, number>();
    const inUse = new Map(peers.map((peer) => [peer.node, keyInUse(peer, (key) => latest.get(key) ?? 0)]));
    const other = [...inUse].filter(([node, key]) => seen.get(node) !== key).map(([node]) => node);
    const changed = other.filter((node) => seen.has(node));
    if (other.length > 0) await network.moveKeys(latest);
    // Without any handshake that is new, the plan is looked at anew: somebody may have changed something.
    else if (peers.length > 0 && performance.now() - plannedAt > SELDOM_MS) {
      await network.followKeys();
      plannedAt = performance.now();
    }
    seen = inUse;
    return changed;
  };
}

function withTwoKeys(config: NodeConfig | undefined): Peer[] {
  return config?.wireguard.peers.filter(({ nextPublicKey }) => nextPublicKey !== undefined) ?? [];
}
