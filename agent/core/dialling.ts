// When a peer that is dialled gets the endpoint that git declares. Law: WireGuard roams: a peer that is alive is where its newest packet came
// from, whatever was declared; only another declaration, or silence, takes it back there.
import type { NodeConfig } from '../../bundle/config.ts';
import type { TunnelPeer, TunnelState, TunnelStep } from '../ports/tunnel.ts';
import { canonicalEndpoint } from './endpoint.ts';
import { keysOf } from './two-keys.ts';

/**
 * REJECT_AFTER_TIME: no session is older, and one that is used was renewed after 120 s (WireGuard's paper, section 6.1). Without a handshake
 * for so long a peer cannot send anything, nor be sent anything.
 */
export const SESSION_SECONDS = 180;

/** What was declared for a key, and when (unix seconds) it was last given to the interface; 0: it was not, somebody else had done it. */
export interface Dialled {
  endpoint: string;
  atSeconds: number;
}

export interface Dialling {
  /** Unix seconds of the clock by which handshakes are dated. */
  nowSeconds: number;
  /** By public key. Absent: this agent has made no tunnel yet, and who is alive is left where it is. */
  dialled?: ReadonlyMap<string, Dialled> | undefined;
}

/** True when `known` is to be dialled at `declared` instead of where it is now. Who stays silent is so once in a session's time. */
export function isToDial(declared: string, known: TunnelPeer, { nowSeconds, dialled }: Dialling): boolean {
  if (known.endpoint === declared) return false;
  const last = dialled?.get(known.publicKey);
  if (known.endpoint === undefined || (dialled !== undefined && last?.endpoint !== declared)) return true;
  // A clock that was set far, to either side, says nothing: the next handshake has the new time.
  const isRecent = (seconds: number) => seconds > 0 && Math.abs(nowSeconds - seconds) <= SESSION_SECONDS;
  return !isRecent(known.latestHandshake) && !isRecent(last?.atSeconds ?? 0);
}

/**
 * True for a step that takes a peer back to the place it had been given before, and does nothing else: it fell silent elsewhere, and nobody
 * changed anything. `state`: before the step.
 */
export function isDiallingAgain(step: TunnelStep, state: TunnelState, dialled: Dialling['dialled']): boolean {
  if (step.kind !== 'setPeer' || step.peer.endpoint === undefined) return false;
  const { publicKey, endpoint, allowedIps, keepaliveSeconds } = step.peer;
  const known = state.peers.find((peer) => peer.publicKey === publicKey);
  if (known?.endpoint === undefined || dialled?.get(publicKey)?.endpoint !== endpoint) return false;
  return known.allowedIps.join() === allowedIps.join() && known.keepaliveSeconds === keepaliveSeconds;
}

/** What is known after these steps were carried out. */
export function dialledAfter(
  steps: readonly TunnelStep[],
  dialled: ReadonlyMap<string, Dialled>,
  atSeconds: number,
): ReadonlyMap<string, Dialled> {
  const given = steps.flatMap((step) => {
    const { publicKey, endpoint } = step.kind === 'setPeer' ? step.peer : {};
    return publicKey && endpoint ? [[publicKey, { endpoint, atSeconds }] as const] : [];
  });
  return given.length === 0 ? dialled : new Map([...dialled, ...given]);
}

/** The same of a tunnel that is as `config` wants it: what that declares, and nothing else. */
export function dialledBy(config: NodeConfig, dialled: ReadonlyMap<string, Dialled>): ReadonlyMap<string, Dialled> {
  const entries = config.wireguard.peers.flatMap((peer) => {
    const endpoint = canonicalEndpoint(peer.endpoint ?? '');
    if (endpoint === undefined) return [];
    return keysOf(peer).map((key) => {
      const last = dialled.get(key);
      return [key, last?.endpoint === endpoint ? last : { endpoint, atSeconds: 0 }] as const;
    });
  });
  return new Map(entries);
}
