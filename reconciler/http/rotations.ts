// Nodes that replace their WireGuard keys: who may take the next one now (ADR 24). Law: only when every peer that is heard has applied a config
// that holds the next key, and one node at a time, because two that change at once could not shake hands with each other.
import { type Enrolment, type RotationAnswer, WAITING_FOR_MAX } from '../../bundle/api.ts';
import type { EnrolmentSlot } from '../core/enrolment.ts';
import type { HttpDeps } from './deps.ts';

export interface Rotations {
  /** Undefined: the node announces no next key. */
  answerTo(slot: EnrolmentSlot, enrolment: Enrolment): RotationAnswer | undefined;
}

/** A peer that says nothing for so long is away: it learns the key when it comes back. */
const HEARD_MS = 3 * 60_000;
/** Longer than a node tries its new key. */
const TURN_MS = 60_000;

export function createRotations({ served, reports, clock }: Pick<HttpDeps, 'served' | 'reports' | 'clock'>): Rotations {
  let turn: { node: string; key: string; endsMs: number } | undefined;

  /** The turn ends with its time, or when the node announces that it is done. */
  function isOthersTurn(node: string, nowMs: number): boolean {
    if (turn === undefined || turn.node === node || nowMs >= turn.endsMs) return false;
    return reports.enrolment(turn.node)?.enrolment.nextWireguardPublicKey === turn.key;
  }

  return {
    answerTo({ node, pins }, { nextWireguardPublicKey: publicKey }) {
      if (publicKey === undefined) return undefined;
      if (pins.wireguardPublicKey !== undefined) return { publicKey, kind: 'refused', reason: pinned(node) };
      const nowMs = clock().getTime();
      const { told, missing } = peersOf(publicKey, nowMs);
      // Nobody was told yet: the next publication is under way, or there is no peer to lose.
      const isTold = told > 0 || !hasPeers(node);
      if (missing.length > 0 || !isTold) return { publicKey, kind: 'wait', for: missing.slice(0, WAITING_FOR_MAX) };
      if (isOthersTurn(node, nowMs)) return { publicKey, kind: 'wait', for: [] };
      turn = { node, key: publicKey, endsMs: nowMs + TURN_MS };
      return { publicKey, kind: 'go' };
    },
  };

  /** `told`: nodes whose published config holds the key; `missing`: those of them that are heard and have not applied one. */
  function peersOf(key: string, nowMs: number): { told: number; missing: string[] } {
    let told = 0;
    const missing: string[] = [];
    for (const { published, config } of served.nodes()) {
      if (!config.nextKeys.includes(key)) continue;
      told += 1;
      const last = reports.report(published.node);
      if (last === undefined || nowMs - last.lastSeenMs > HEARD_MS) continue;
      const { applied } = last.report;
      const applies = applied === undefined ? undefined : served.configOf(published.node, applied);
      if (!applies?.nextKeys.includes(key)) missing.push(published.node);
    }
    return { told, missing: missing.sort() };
  }

  function hasPeers(node: string): boolean {
    return (served.node(node)?.config.peers ?? 0) > 0;
  }
}

function pinned(node: string): string {
  return `git pins wireguard.publicKey of ${node}: take the line out, merge, rotate, and pin the new key if you like`;
}
