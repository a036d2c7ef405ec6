// Peers that replace their WireGuard keys: as soon as one shakes hands with its next key, its address moves to that key (ADR 24). Law: looked at
// often only while a peer has two keys, and moved in the turn of everything else that changes the tunnel.
import type { NodeConfig, Peer } from '../bundle/config.ts';
import { keyInUse } from './core/tunnel-plan.ts';
import { pause } from './follow.ts';
import type { NetworkKeys } from './network.ts';
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

/** A peer's packets are dropped from its first handshake with the next key until this saw it; usually that comes within seconds. */
const LOOK_MS = { soon: 15, later: 60 } as const;
const SOON_MS = 30_000;
/** A peer that has not changed its key by then is away or stuck: it is looked for as rarely as for anything else. */
const LATER_MS = 10 * 60_000;
const SELDOM_MS = 1_000;
/** A peer that goes to and fro between its keys fills no log. */
const MOVES_TOLD_MAX = 10;
/** Without any handshake that is new, the plan is looked at anew: somebody may have changed something. */
const ANYWAY_MS = 1_000;

export function createPeerKeys({ network, handshakes, log }: PeerKeysParts): PeerKeys {
  return {
    async run(config, signal) {
      const news = createNews(log);
      let [watched, since, seen, plannedAt, moves] = ['', 0, '', 0, 0];
      while (!signal.aborted) {
        const peers = withTwoKeys(config());
        if (peers.length === 0) {
          await pause(SELDOM_MS / 4, signal);
          continue;
        }
        const names = peers.map(({ node, nextPublicKey }) => `${node} ${nextPublicKey}`).join();
        if (names !== watched) [watched, since, seen, moves] = [names, performance.now(), '', 0];
        try {
          const latest = await handshakes();
          const inUse = peers.map((peer) => keyInUse(peer, (key) => latest.get(key) ?? 0)).join();
          if (inUse !== seen) {
            await network.moveKeys(latest);
            if (seen !== '' && ++moves <= MOVES_TOLD_MAX * peers.length)
              log.info({ node: changedOf(peers, seen, inUse) }, 'a peer uses another key');
            seen = inUse;
          } else if (performance.now() - plannedAt > ANYWAY_MS) {
            await network.followKeys();
            plannedAt = performance.now();
          }
          news.over('keys', 'keys of peers are followed again');
        } catch (error) {
          news.trouble('keys', 'failed', { reason: String(error) }, 'cannot follow the keys of peers');
        }
        await pause(pauseAfter(performance.now() - since), signal);
      }
    },
  };
}

function pauseAfter(ms: number): number {
  if (ms < SOON_MS) return LOOK_MS.soon;
  return ms < LATER_MS ? LOOK_MS.later : SELDOM_MS;
}

function changedOf(peers: readonly Peer[], before: string, after: string): string[] {
  const [old, now] = [before.split(','), after.split(',')];
  return peers.flatMap(({ node }, index) => (old[index] === now[index] ? [] : [node]));
}

function withTwoKeys(config: NodeConfig | undefined): Peer[] {
  return config?.wireguard.peers.filter(({ nextPublicKey }) => nextPublicKey !== undefined) ?? [];
}
