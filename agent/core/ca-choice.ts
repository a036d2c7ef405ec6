// Which of two certificate authorities an edge uses: the first, or for a day the fallback. Law: only the first one's own refusals, without one
// success between, for as long as a certificate that is due can wait, move an edge away from it.

const DAY_MS = 86_400_000;
/** How long refusals go on before the fallback is used, at most. */
export const PATIENCE_MS_MAX = DAY_MS;
/** Of the lifetime of a certificate that is due: half of what is left when renewal begins. */
const PATIENCE_SHARE = 1 / 6;
/** How long the fallback is used before the first one is tried again. */
export const FALLBACK_MS = DAY_MS;

/** What is remembered of the first CA; kept over restarts. Times in ms since the epoch. */
export interface CaStanding {
  /** Its ACME directory. */
  readonly server: string;
  /** Its first refusal since its last success; absent: it has not refused. */
  readonly refusesSinceMs?: number;
  /** Since when the fallback is used; absent: it is not. */
  readonly fellBackMs?: number;
}

export interface CaSituation {
  /** ACME directory of the first one. */
  readonly server: string;
  readonly hasFallback: boolean;
  /** Lifetimes (ms) of the certificates that are due here, Infinity of one that was never there; none: nothing is due. */
  dueLifetimesMs(): readonly number[];
  readonly now: number;
}

/** The standing from now on. The same object when nothing is different. */
export function chooseCa(before: CaStanding | undefined, situation: CaSituation): CaStanding {
  const { server, hasFallback, dueLifetimesMs, now } = situation;
  if (before?.server !== server) return { server };
  // A clock that was ahead and is set right puts nothing off.
  const standing = notAfter(before, now);
  const { refusesSinceMs, fellBackMs } = standing;
  if (fellBackMs !== undefined) return hasFallback && now - fellBackMs < FALLBACK_MS ? standing : { server };
  if (refusesSinceMs === undefined) return standing;
  const due = dueLifetimesMs();
  // What nobody asks of it any more it does not refuse.
  if (due.length === 0) return { server };
  const patienceMs = due.reduce((least, lifeMs) => Math.min(least, lifeMs * PATIENCE_SHARE), PATIENCE_MS_MAX);
  return hasFallback && now - refusesSinceMs >= patienceMs ? { server, fellBackMs: now } : standing;
}

/** After an order or a registration at the first CA failed. The same object when that says nothing new. */
export function afterCaFailure(standing: CaStanding, code: string, now: number): CaStanding {
  const isNews = standing.fellBackMs === undefined && standing.refusesSinceMs === undefined && isRefusal(code);
  return isNews ? { ...standing, refusesSinceMs: now } : standing;
}

/** After the first CA issued a certificate. */
export function afterCaSuccess(standing: CaStanding): CaStanding {
  if (standing.refusesSinceMs === undefined) return standing;
  const { refusesSinceMs: _over, ...rest } = standing;
  return rest;
}

/** Not the name's fault, and not this machine's: what another CA might not have. */
function isRefusal(code: string): boolean {
  return code === 'bad_certificate' || (code.startsWith('acme_') && code !== 'acme_validation_failed');
}

function notAfter(standing: CaStanding, now: number): CaStanding {
  const { server, refusesSinceMs = now, fellBackMs = now } = standing;
  if (refusesSinceMs <= now && fellBackMs <= now) return standing;
  return {
    server,
    ...(standing.refusesSinceMs !== undefined && { refusesSinceMs: Math.min(refusesSinceMs, now) }),
    ...(standing.fellBackMs !== undefined && { fellBackMs: Math.min(fellBackMs, now) }),
  };
}
