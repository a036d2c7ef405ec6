// Keys of the tunnel that change while it is in use, its own or a peer's (ADR 24). Law: in the turn of everything else that changes the tunnel.
import type { Peer } from '../bundle/config.ts';
import { planKeys } from './core/tunnel-plan.ts';
import { isOfTwoKeys } from './core/two-keys.ts';
import type { Tunnel } from './ports/tunnel.ts';
import type { TunnelInTurn } from './tunnel-in-turn.ts';

export interface NetworkKeys {
  /** Gives each peer's address to the key that it uses now, of those in the last config. Answers what was done. @throws KokoaError tunnel_failed */
  followKeys(): Promise<string[]>;
  /**
   * The same at once, without reading anything: by the handshakes that the caller has just read. @throws KokoaError tunnel_failed
   */
  moveKeys(latest: ReadonlyMap<string, number>): Promise<string[]>;
  /**
   * Changes the key file by `change`, and the interface takes what is in it; every peer hears of it at once. Nobody sees the one without the
   * other. @throws KokoaError tunnel_failed, and what `change` throws
   */
  useKeyFile(change: () => Promise<void>): Promise<void>;
}

export function createNetworkKeys(
  { inTurn, inForce, plan, carryOut, read }: TunnelInTurn,
  { apply }: Pick<Tunnel, 'apply'>,
): NetworkKeys {
  return {
    followKeys: () =>
      inTurn(async () => {
        const config = inForce();
        if (!config?.wireguard.peers.some(hasTwoKeys)) return [];
        return carryOut(
          (await plan(config)).filter((step) => isOfTwoKeys(step, config)),
          config,
        );
      }),
    moveKeys: (latest) =>
      inTurn(async () => {
        const config = inForce();
        if (config === undefined) return [];
        return carryOut(
          planKeys(config, (key) => latest.get(key) ?? 0),
          config,
        );
      }),
    useKeyFile: (change) =>
      inTurn(async () => {
        await change();
        const { peers } = await read();
        await apply([{ kind: 'rekey', peers: peers.filter(({ allowedIps }) => allowedIps.length > 0) }]);
      }),
  };
}

function hasTwoKeys({ nextPublicKey }: Peer): boolean {
  return nextPublicKey !== undefined;
}
