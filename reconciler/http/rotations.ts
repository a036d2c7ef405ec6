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
  /** Who was told last that it is another node's turn. */
  let next: { node: string; askedMs: number } | undefined;

  /** The turn ends with its time, or when the node announces that it is done. Who asks on and on gets another one after the others. */
  function takeTurn(node: string, key: string, nowMs: number): boolean {
    // A clock that was set back makes no turn longer.
    const isOver = turn === undefined || Math.abs(turn.endsMs - TURN_MS / 2 - nowMs) >= TURN_MS / 2 || isDone(turn);
    const isMine = turn?.node === node;
    const isOthers = isOver ? isMine && isAsked(next, node, nowMs) : !isMine;
    if (isOthers) {
      if (!isMine) next = { node, askedMs: nowMs };
      return false;
    }
    turn = { node, key, endsMs: isOver ? nowMs + TURN_MS : turn!.endsMs };
    return true;
  }

  function isDone(last: { node: string; key: string }): boolean {
    return reports.enrolment(last.node)?.enrolment.nextWireguardPublicKey !== last.key;
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
      return takeTurn(node, publicKey, nowMs) ? { publicKey, kind: 'go' } : { publicKey, kind: 'wait', for: [] };
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

/** True when another node waits: it asks every second, until it is its turn. */
function isAsked(next: { node: string; askedMs: number } | undefined, node: string, nowMs: number): boolean {
  return next !== undefined && next.node !== node && Math.abs(nowMs - next.askedMs) < TURN_MS;
}

function pinned(node: string): string {
  return `git pins wireguard.publicKey of ${node}: take the line out, merge, rotate, and pin the new key if you like`;
}
