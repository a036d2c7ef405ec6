// When a certificate is ordered anew, and when its end becomes an alarm. Laws: shares of its own life decide, so that 6 hours and 90 days are
// alike; our own moment lies in the first tenth of the last third; what a person brought is theirs to renew.
import { sha256Hex } from '../../bundle/canonical.ts';
import type { HeldCertificate } from '../ports/certificate-store.ts';
import { exposedTo } from './exposure.ts';

/** ms since the epoch. */
export interface Life {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Renewal begins when this share of the life is left. */
const RENEWAL_SHARE = 1 / 3;
/** Of that third: those that begin together are spread over it. */
const SPREAD_SHARE = 1 / 10;
/** A certificate that has less than this left should have been replaced long ago. */
const ALARM_SHARE = 1 / 4;
/** Twelve hex digits are exact as a number. */
const FRACTION_DIGITS = 12;

/** Who renews what. */
export interface RenewalPlace {
  name: string;
  /** The edge that would order it. */
  node: string;
  /** Edges that may not have had it; absent: none. */
  compromised?: readonly string[] | undefined;
  /** ms: when the CA itself suggests it (RFC 9773); only an earlier moment than our own counts. */
  suggestedAtMs?: number | undefined;
}

/** ms since the epoch; the same for the same name, node and certificate, so that a restart changes nothing. */
export function renewalMs(life: Life, { name, node, suggestedAtMs }: Omit<RenewalPlace, 'compromised'>): number {
  const thirdMs = lifetimeMs(life) * RENEWAL_SHARE;
  const ownMs = life.notAfter - thirdMs + thirdMs * SPREAD_SHARE * fractionOf(`${node}\n${name}`);
  return earlierOf(ownMs, suggestedAtMs);
}

/** What is held and valid now, as orders see it. Times in ms since the epoch. */
export interface Held {
  /** Not before this; until the last third begins, its begin. Infinity: never. */
  renewMs: number;
  endsMs: number;
  /** A compromised edge had it: it is to be ordered anew, whatever its life. */
  isExposed?: true;
}

/** Undefined: nothing that is valid now is held. */
export function heldOf(
  certificate: (Life & Pick<HeldCertificate, 'source' | 'keptFrom'>) | undefined,
  place: RenewalPlace,
  now: number,
): Held | undefined {
  if (!certificate || certificate.notAfter <= now) return undefined;
  const endsMs = certificate.notAfter;
  if (certificate.source === 'imported' || certificate.source === 'given')
    return { renewMs: Number.POSITIVE_INFINITY, endsMs };
  if (exposedTo(certificate, place.compromised).length > 0) return { renewMs: 0, endsMs, isExposed: true };
  // Asked of every name all the time, and a hash is dear.
  const beginMs = endsMs - lifetimeMs(certificate) * RENEWAL_SHARE;
  const renewMs = now < beginMs ? earlierOf(beginMs, place.suggestedAtMs) : renewalMs(certificate, place);
  return { renewMs, endsMs };
}

/** True while it is valid and less than a quarter of its life is left. */
export function isEnding(life: Life, now: number): boolean {
  const leftMs = life.notAfter - now;
  return leftMs > 0 && leftMs < lifetimeMs(life) * ALARM_SHARE;
}

function earlierOf(ownMs: number, suggestedAtMs = Number.NaN): number {
  return suggestedAtMs < ownMs ? suggestedAtMs : ownMs;
}

function lifetimeMs({ notBefore, notAfter }: Life): number {
  return notAfter - notBefore;
}

/** At least 0, less than 1. */
function fractionOf(text: string): number {
  return Number.parseInt(sha256Hex(text).slice(0, FRACTION_DIGITS), 16) / 16 ** FRACTION_DIGITS;
}
