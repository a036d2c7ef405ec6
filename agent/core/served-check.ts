// Which hostnames an edge asks its own web server for their certificate, when, and what a difference from the one held means. Laws: what is new
// is looked at soon, everything in turn slowly; a difference is one only when it stays, because web servers remember files for some seconds.

/** Of what is looked at soon; what does not fit is reached in turn. */
const LOOKS_MAX = 1_000;
/** After something was stored, and after each answer that is not the one expected. */
const LOOKS_SECONDS: readonly number[] = [2, 15, 30, 60];
/** Looks that found a difference, one after the other, until it counts: 45 s lie between the first and the last. */
const DIFFERENT_LOOKS = 3;
/** All hostnames in turn within an hour, but no more than one each second and no fewer than one each minute. */
const TURN_MS = 3_600_000;
const STEP_MS_MIN = 1_000;
const STEP_MS_MAX = 60_000;

/** A hostname that is looked at soon. Times in ms of a clock that never goes back. */
export interface Look {
  readonly hostname: string;
  readonly dueMs: number;
  /** Differences in a row. */
  readonly differences: number;
}

/** What a handshake showed. `refused`: there was one, and the web server gave no certificate; `unknown`: nobody listens, or it took too long. */
export type Shown =
  | { kind: 'certificate'; fingerprint256: string }
  | { kind: 'refused'; reason: string }
  | { kind: 'unknown' };

/** Looks at this hostname soon, and forgets what was found before. The latest come first when there are too many. */
export function lookSoon(looks: readonly Look[], hostname: string, nowMs: number): Look[] {
  const rest = looks.filter((look) => look.hostname !== hostname);
  return [{ hostname, dueMs: nowMs + LOOKS_SECONDS[0]! * 1000, differences: 0 }, ...rest].slice(0, LOOKS_MAX);
}

/** The same with one that is to be looked at again, unless it is there, or there are too many. */
export function lookAgain(looks: readonly Look[], again: Look): readonly Look[] {
  const isKnown = looks.some(({ hostname }) => hostname === again.hostname);
  return isKnown || looks.length >= LOOKS_MAX ? looks : [...looks, again];
}

export interface Judged {
  /** Absent: what is shown is what is held, and it is looked at again in its turn. */
  again?: Look;
  /** Why it counts as different; undefined: it does not, or not yet. */
  difference?: string;
}

/** `expected`: sha256 of the certificate that is held for it now; undefined: none is, and there is nothing to compare. */
export function judgeShown(look: Look, shown: Shown, expected: string | undefined, nowMs: number): Judged {
  if (expected === undefined) return {};
  if (shown.kind === 'certificate' && shown.fingerprint256 === expected) return {};
  // What nobody could see says nothing: a difference that was found stays one, and there is none where none was.
  if (shown.kind === 'unknown') return look.differences === 0 ? {} : { again: after(look, look.differences, nowMs) };
  const again = after(look, look.differences + 1, nowMs);
  return again.differences < DIFFERENT_LOOKS ? { again } : { again, difference: differenceOf(shown, expected) };
}

/** How long to wait between two hostnames that are looked at in turn. */
export function turnStepMs(hostnames: number): number {
  return Math.min(STEP_MS_MAX, Math.max(STEP_MS_MIN, TURN_MS / Math.max(1, hostnames)));
}

function after({ hostname }: Look, differences: number, nowMs: number): Look {
  const seconds = LOOKS_SECONDS[Math.min(differences, LOOKS_SECONDS.length - 1)]!;
  return { hostname, dueMs: nowMs + seconds * 1000, differences };
}

function differenceOf(shown: Exclude<Shown, { kind: 'unknown' }>, expected: string): string {
  if (shown.kind === 'refused') return `its handshake is refused (${shown.reason}), held is sha256 ${expected}`;
  return `another certificate is served: sha256 ${shown.fingerprint256}, held is ${expected}`;
}
