// Whether peers answer to the key that the interface has just taken. Law: only those who were there before are asked for; without any of them
// nothing speaks against the key.
import { SESSION_SECONDS } from './dialling.ts';

/** Two tries of a handshake, which WireGuard repeats after 5 s, and the way of the last one. */
export const ANSWER_MS = 12_000;

/** Public key → unix seconds of the newest handshake; 0: never. */
export type Handshakes = ReadonlyMap<string, number>;

export interface KeyChange {
  /** Those who had a session when the key changed, with their newest handshake then. */
  before: Handshakes;
  atSeconds: number;
}

export function keyChangeAt(handshakes: Handshakes, atSeconds: number): KeyChange {
  const alive = [...handshakes].filter(([, latest]) => latest > 0 && atSeconds - latest <= SESSION_SECONDS);
  return { before: new Map(alive), atSeconds };
}

/**
 * `all`: everybody who was there has answered. `some`, `none`: of those. A handshake in the second of the change may have been the old key's;
 * that the count is then one too high lasts a second in two minutes.
 */
export function answersTo({ before, atSeconds }: KeyChange, now: Handshakes): 'all' | 'some' | 'none' {
  const answered = [...before.keys()].filter((key) => (now.get(key) ?? 0) >= Math.floor(atSeconds));
  if (answered.length === before.size) return 'all';
  return answered.length > 0 ? 'some' : 'none';
}
