// The tunnel as a config wants it, and what the agent knows of it. Law: steps for it never interleave, whoever asks for them.
import PQueue from 'p-queue';
import type { NodeConfig } from '../bundle/config.ts';
import { dialledAfter, dialledBy, isDiallingAgain } from './core/dialling.ts';
import { planTunnel } from './core/tunnel-plan.ts';
import { namesOfPeers, stepText } from './core/tunnel-step-text.ts';
import type { Tunnel, TunnelState, TunnelStep } from './ports/tunnel.ts';

export interface TunnelParts {
  tunnel: Tunnel & { savedEndpoints(): Promise<ReadonlyMap<string, string>> };
  /** Unix seconds: handshakes are dated by this clock. */
  nowSeconds(): number;
}

export interface TunnelInTurn {
  /**
   * Makes the tunnel equal to a config. Answers what was done, one entry per step; that a silent peer is dialled again is said to nobody.
   * @throws KokoaError tunnel_failed, bad_tunnel
   */
  make(config: NodeConfig): Promise<string[]>;
  /** Waits until nobody else is at it. */
  inTurn<T>(task: () => Promise<T>): Promise<T>;
  /** Only in turn: what differs. Reads only. @throws KokoaError tunnel_failed, bad_tunnel */
  plan(config: NodeConfig): Promise<TunnelStep[]>;
  /** Only in turn. Answers what was done, with the names of `config`. @throws KokoaError tunnel_failed */
  carryOut(steps: readonly TunnelStep[], config: NodeConfig): Promise<string[]>;
  /** What the tunnel was made of last, found well-formed. */
  inForce(): NodeConfig | undefined;
  /** @throws KokoaError tunnel_failed */
  read(): Promise<TunnelState>;
  /** What was read last, without reading again. */
  seen(): TunnelState | undefined;
}

export function createTunnelInTurn({ tunnel, nowSeconds }: TunnelParts): TunnelInTurn {
  const queue = new PQueue({ concurrency: 1 });
  const inTurn = <T>(task: () => Promise<T>) => queue.add(task) as Promise<T>;
  let seen: TunnelState | undefined;
  let inForce: NodeConfig | undefined;
  let dialled: ReturnType<typeof dialledBy> | undefined;
  /** Public key → node, of the config before this one: what is removed has a name too. */
  let names: ReadonlyMap<string, string> = new Map();

  async function read(): Promise<TunnelState> {
    seen = await tunnel.read();
    return seen;
  }

  async function compare(config: NodeConfig): Promise<{ state: TunnelState; steps: TunnelStep[] }> {
    const state = await read();
    const dialling = { nowSeconds: nowSeconds(), dialled };
    return { state, steps: planTunnel(config, state, await tunnel.savedEndpoints(), dialling) };
  }

  async function carryOut(steps: readonly TunnelStep[], config: NodeConfig): Promise<string[]> {
    if (steps.length > 0) await tunnel.apply(steps);
    if (dialled) dialled = dialledAfter(steps, dialled, nowSeconds());
    const known = new Map([...names, ...namesOfPeers(config)]);
    return steps.map((step) => stepText(step, known));
  }

  return {
    make: (config) =>
      inTurn(async () => {
        const { state, steps } = await compare(config);
        const again = new Set(steps.filter((step) => isDiallingAgain(step, state, dialled)));
        // Only what was found well-formed: who moves keys judges nothing anew.
        inForce = config;
        const done = await carryOut(steps, config);
        dialled = dialledBy(config, dialled ?? dialledAfter(steps, new Map(), nowSeconds()));
        names = namesOfPeers(config);
        return done.filter((_, index) => !again.has(steps[index]!));
      }),
    plan: async (config) => (await compare(config)).steps,
    ...{ inTurn, carryOut, read },
    inForce: () => inForce,
    seen: () => seen,
  };
}
