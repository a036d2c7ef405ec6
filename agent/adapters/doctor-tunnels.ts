// The tunnels of this machine, looked at twice: handshakes, and what was sent and received in between.
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeConfig } from '../../bundle/config.ts';
import { runCheck } from '../../checks/run-check.ts';
import { SESSION_SECONDS } from '../core/dialling.ts';
import type { TunnelFact } from '../core/doctor-tunnels.ts';
import type { TunnelState } from '../ports/tunnel.ts';
import type { TunnelMeter } from '../ports/tunnel-meter.ts';
import { isOneReachable } from './reach.ts';

/** A handshake is tried every 5 s, so some silent peers are seen between two tries; their sums say it all the same. */
const BETWEEN_MS = 2_500;
const ANSWER_MS = 1_500;
const NOTHING = { received: 0, sent: 0 };

export interface TunnelsAsked {
  peers: NodeConfig['wireguard']['peers'];
  /** A port of a route on a peer's address in the tunnel, by that address. */
  services: ReadonlyMap<string, number>;
  read(): Promise<TunnelState>;
  meter: Pick<TunnelMeter, 'read'>;
}

/** Undefined: there is no tunnel. */
export async function observeTunnelFacts(asked: TunnelsAsked, signal: AbortSignal): Promise<TunnelFact[] | undefined> {
  const before = await asked.meter.read().catch(() => undefined);
  if (before === undefined) return undefined;
  const services = new Map<string, boolean>();
  const knocks = asked.peers.map(async ({ address }) => {
    const port = asked.services.get(address);
    if (port !== undefined) services.set(address, await answers(address, port, signal));
  });
  await Promise.all([delay(BETWEEN_MS, undefined, { signal }), ...knocks]);
  const [after, state] = [await asked.meter.read(), await asked.read()];
  const now = Date.now() / 1000;
  return Promise.all(
    asked.peers.map(async ({ node, address, endpoint, publicKey, nextPublicKey = publicKey }): Promise<TunnelFact> => {
      const keys = [publicKey, nextPublicKey];
      const latest = Math.max(
        0,
        ...state.peers.filter((peer) => keys.includes(peer.publicKey)).map((peer) => peer.latestHandshake),
      );
      const key =
        state.peers.findLast((peer) => keys.includes(peer.publicKey) && peer.latestHandshake === latest)?.publicKey ??
        publicKey;
      const age = latest === 0 ? undefined : Math.max(0, Math.round(now - latest));
      const isSilent = age === undefined || age >= SESSION_SECONDS;
      const [port, isAnswered] = [asked.services.get(address), services.get(address)];
      return {
        ...{ node, handshakeAgeSeconds: age, before: before.get(key) ?? NOTHING, after: after.get(key) ?? NOTHING },
        ...(endpoint !== undefined && { endpoint }),
        ...(endpoint !== undefined && isSilent && { answersByTcp: await reaches(endpoint) }),
        ...(port !== undefined && isAnswered !== undefined && { service: { port, answers: isAnswered } }),
      };
    }),
  );
}

/** A refusal is an answer too: it came through the tunnel. */
async function answers(address: string, port: number, signal: AbortSignal): Promise<boolean> {
  const result = await runCheck({ kind: 'tcp', address, port }, ANSWER_MS, signal);
  return result.ok || /^connection_refused\b/.test(result.reason);
}

function reaches(endpoint: string): Promise<boolean> {
  const host = endpoint.slice(0, endpoint.lastIndexOf(':'));
  return isOneReachable([`https://${host}:443`, `https://${host}:80`], ANSWER_MS);
}
