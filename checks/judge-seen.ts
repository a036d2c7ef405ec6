// What was seen behind a URL, judged: whether it answers, its certificate, and this machine's clock against the clocks of others. Pure.
import { type Finding, ok } from './finding.ts';
import type { Seen } from './look-at-url.ts';

const DAY_MS = 24 * 60 * 60_000;
const CERTIFICATE_LEFT_MS = 7 * DAY_MS;
const CLOCK_WELL_MS = 60_000;
/** The fudge of TSIG (RFC 8945, 10); certificates that were just made count as not valid yet. */
const CLOCK_MAX_MS = 300_000;

export interface SeenPlace {
  /** `the control plane`, `the CA`. */
  what: string;
  url: string;
  seen: Seen;
  /** Without it nothing works, or something else stands in. */
  level: 'trouble' | 'warning';
  todo: string;
}

/** `nowMs`: by this machine's clock. */
export function judgeSeen({ what, url, seen, level, todo }: SeenPlace, nowMs: number): Finding {
  const named = `${what} ${hostOf(url)}`;
  const expected = 'an answer, and a certificate that counts';
  if (seen.kind === 'failed')
    return { level, what: named, found: `no answer: ${seen.reason}`, expected, todo: todoOf(seen.reason, todo) };
  if (seen.status >= 500) return { level, what: named, found: `it answers ${seen.status}`, expected, todo };
  const { certificateEndMs: endMs } = seen;
  if (endMs === undefined || endMs - nowMs >= CERTIFICATE_LEFT_MS) return ok(named, `it answers ${seen.status}`);
  return {
    ...{ level: 'warning', what: named, found: `its certificate ends on ${day(endMs)}` },
    ...{ expected: 'seven days or more', todo: 'renew that certificate, and see why it was not renewed by itself' },
  };
}

/** The first that says a time decides: they stand in the order of trust. */
export function judgeClock(places: readonly { url: string; seen: Seen }[]): Finding {
  const told = places.find(({ seen }) => seen.kind === 'answer' && seen.aheadMs !== undefined);
  if (told?.seen.kind !== 'answer' || told.seen.aheadMs === undefined)
    return {
      ...{ level: 'warning', what: 'the clock', found: 'nobody who was asked said what time it is' },
      ...{ expected: 'a Date in an answer', todo: 'see below who does not answer, then run it again' },
    };
  const { aheadMs } = told.seen;
  const off = Math.abs(aheadMs);
  const seconds = Math.round(off / 1000);
  if (off <= CLOCK_WELL_MS) return ok('the clock', `${seconds} s from that of ${hostOf(told.url)}`);
  return {
    ...{ level: off > CLOCK_MAX_MS ? 'trouble' : 'warning', what: 'the clock' },
    found: `${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} that of ${hostOf(told.url)}`,
    expected: 'within 60 s; beyond 300 s certificates and TSIG signatures are refused',
    todo: `timedatectl set-ntp true, unless it is the clock of ${hostOf(told.url)} that is wrong`,
  };
}

export function hostOf(url: string): string {
  return URL.parse(url)?.host ?? 'a URL that is none';
}

export function day(ms: number): string {
  return Number.isFinite(ms) ? new Date(ms).toISOString().slice(0, 10) : 'no day';
}

function todoOf(reason: string, usual: string): string {
  if (/^CERT_(NOT_YET_VALID|HAS_EXPIRED)$/.test(reason))
    return 'compare the clock of this machine, and renew that certificate';
  if (/ALTNAME/.test(reason)) return 'give it a certificate for the name in its URL, or correct the URL';
  if (/^(UNABLE_TO|SELF_SIGNED|DEPTH_ZERO)/.test(reason))
    return 'name the CA of its certificate to this program, if it is yours';
  if (/^(ENOTFOUND|EAI_AGAIN)$/.test(reason)) return 'see whether the name is right, and the resolver of this machine';
  return usual;
}
