// Judges the clock of this machine by what others said and signed. Law: a doubt is only said: it changes neither what is served nor
// what is accepted, so that nobody who can tell a wrong time gains by it.

/** What a signed time still has to live when it is renewed is half an hour: a smaller difference refuses nothing. */
export const CLOCK_TOLERANCE_MS = 5 * 60_000;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const REMEDY = 'set the time, on this machine with timedatectl set-ntp true';

/** Times are ms since the epoch. */
export interface ClockEvidence {
  /** The clock of this machine. */
  nowMs: number;
  /** The clock of the control plane. */
  serverMs?: number | undefined;
  /** When the newest configuration that is here was signed; nothing is signed before its time. */
  signedMs?: number | undefined;
  /** What this clock says of the control plane's certificate, when that kept the two from talking. */
  certificate?: CertificateDates | undefined;
}

export type CertificateDates = 'has ended' | 'is not valid yet';

export interface ClockDoubt {
  /** The same as long as nothing new is known. */
  state: string;
  /** One line: by how much, as far as that is known, and what to do. */
  detail: string;
}

/** Undefined: nothing speaks against this clock. The control plane's own clock counts more than anything that was signed. */
export function clockDoubt({ nowMs, serverMs, signedMs, certificate }: ClockEvidence): ClockDoubt | undefined {
  const here = `this machine says ${iso(nowMs)}`;
  if (serverMs !== undefined) {
    const by = nowMs - serverMs;
    if (Math.abs(by) <= CLOCK_TOLERANCE_MS) return undefined;
    const found = `${amount(Math.abs(by))} ${by > 0 ? 'ahead of' : 'behind'} the control plane`;
    return { state: found, detail: `${here}, ${found}, which says ${iso(serverMs)}; ${REMEDY}` };
  }
  if (signedMs !== undefined && nowMs < signedMs - CLOCK_TOLERANCE_MS) {
    const found = `at least ${amount(signedMs - nowMs)} behind`;
    return {
      state: 'behind what was signed',
      detail: `${here}, ${found}: it holds what was signed at ${iso(signedMs)}; ${REMEDY}`,
    };
  }
  if (certificate === undefined) return undefined;
  const [way, other] = certificate === 'has ended' ? ['ahead', 'over'] : ['behind', 'too new'];
  const detail = `${here}, when the certificate of the control plane ${certificate}: the clock is ${way}, or the certificate ${other}`;
  return { state: `certificate ${certificate}`, detail: `${detail}; ${REMEDY}` };
}

function amount(ms: number): string {
  if (ms >= 2 * DAY_MS) return `${Math.round(ms / DAY_MS)} days`;
  if (ms >= 2 * HOUR_MS) return `${Math.round(ms / HOUR_MS)} hours`;
  return `${Math.round(ms / MINUTE_MS)} minutes`;
}

/** Years that no calendar of ours has are no reason to fail. */
function iso(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? 'no time at all' : date.toISOString().replace(/\.\d+/, '');
}
