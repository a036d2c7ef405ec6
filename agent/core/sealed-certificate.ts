// What comes out of the pool's mailbox, judged before and after it is opened. Law: nothing is stored that a member of the signed
// config did not sign for this very hostname, and nothing older or foreign replaces a certificate that works.
import type { SealedCertificate } from '../../bundle/api.ts';
import { type AcceptedCertificate, judgeCertificate } from '../../bundle/certificate.ts';
import { readCertificateText } from '../../bundle/certificate-text.ts';
import type { PoolMember } from '../../bundle/config.ts';
import { verifyRelayed } from '../../bundle/relayed.ts';
import type { HeldCertificate } from '../ports/certificate-store.ts';
import { exposedTo } from './exposure.ts';
import { heldOf, isEnding } from './renewal.ts';

export const SEALED_CHARACTERS_MAX = 256 * 1024;
const NAME_CHARACTERS_MAX = 253;
const FIELD_CHARACTERS_MAX = 200;

export interface ReceivingSide {
  /** This edge. */
  me: string;
  members: readonly PoolMember[];
  /** Edges that may not have what is served: of the config. */
  compromised?: readonly string[] | undefined;
  /** Members whose word does not count until a person approves them here. */
  unapproved?: ReadonlySet<string>;
  /** Hosts of the config and their orderers. */
  hosts: ReadonlyMap<string, string | undefined>;
  /** The pool identity held here, its recipient. */
  recipient: string | undefined;
  held: HeldCertificate | undefined;
  now: number;
}

export type EnvelopeVerdict =
  | { kind: 'open' }
  /** Nothing wrong, nothing new. */
  | { kind: 'skip' }
  /** May become good when the config or the identity changes. */
  | { kind: 'later'; reason: string; isOdd?: true }
  | { kind: 'refuse'; reason: string };

/** True for something that has the shape of a sealed certificate, within bounds. */
export function isSealedCertificate(value: unknown): value is SealedCertificate {
  if (typeof value !== 'object' || value === null) return false;
  const { hostname, recipient, sealed, notBefore, notAfter, by, signature } = value as Partial<SealedCertificate>;
  const short = [recipient, notBefore, notAfter, by, signature];
  return (
    typeof hostname === 'string' &&
    hostname.length <= NAME_CHARACTERS_MAX &&
    typeof sealed === 'string' &&
    sealed.length <= SEALED_CHARACTERS_MAX &&
    short.every((field) => typeof field === 'string' && field.length <= FIELD_CHARACTERS_MAX) &&
    Number.isFinite(Date.parse(notBefore!)) &&
    Number.isFinite(Date.parse(notAfter!))
  );
}

/**
 * Judges the envelope. The host's orderer may replace what is held; any other member only fills a gap: so an edge that
 * joins, and becomes orderer of hosts that already have a certificate, gets them without an order. What a member renewed that was the orderer
 * until just now is kept until it is awaited.
 */
export function judgeEnvelope(item: SealedCertificate, side: ReceivingSide): EnvelopeVerdict {
  const { members, hosts, recipient, held, now } = side;
  if (!hosts.has(item.hostname)) return { kind: 'later', reason: 'the config does not have this hostname' };
  const uploader = members.find(({ node }) => node === item.by);
  if (!uploader) return { kind: 'later', reason: 'its uploader is no member of the pool' };
  if (!verifyRelayed(item, uploader.signingKey))
    return { kind: 'refuse', reason: `the signature of ${uploader.node} does not verify` };
  if (side.unapproved?.has(item.by))
    return { kind: 'later', reason: `nobody approved its uploader ${item.by} on this edge` };
  if (Date.parse(item.notAfter) <= now) return { kind: 'skip' };

  if (held && held.notAfter > now) {
    const notBefore = Date.parse(item.notBefore);
    if (held.source === 'given') return { kind: 'later', reason: 'somebody brought another one for this hostname' };
    if (held.source === 'imported') return { kind: 'skip' };
    // What a compromised edge had is no measure: it may have chosen the time itself.
    const isMeasure = exposedTo(held, side.compromised).length === 0;
    if (isMeasure && notBefore === held.notBefore) return { kind: 'skip' };
    if (isMeasure && notBefore < held.notBefore) return { kind: 'refuse', reason: 'it is older than the one held' };
    if (hosts.get(item.hostname) !== item.by && !isAwaited(held, side)) {
      return { kind: 'later', reason: `${uploader.node} is not the orderer of this hostname`, isOdd: true };
    }
  }
  if (recipient !== item.recipient) return { kind: 'later', reason: 'it is sealed to another pool identity' };
  return { kind: 'open' };
}

/**
 * A newer one is: by the orderer as soon as it would order it itself, so that nothing is ordered twice; by the others when the end is near, or
 * when a compromised edge had the one held.
 */
function isAwaited(held: HeldCertificate, { me, hosts, compromised, now }: ReceivingSide): boolean {
  const { hostname } = held;
  const { renewMs = 0, isExposed = false } = heldOf(held, { name: hostname, node: me, compromised }, now) ?? {};
  return hosts.get(hostname) === me ? renewMs <= now : isExposed || isEnding(held, now);
}

export type ContentVerdict =
  | { ok: true; certificate: AcceptedCertificate; keptFrom: readonly string[] }
  /** `isNone`: nothing wrong, and no better than the one held. */
  | { ok: false; reason: string; isNone?: true };

/** Judges what was inside: the JSON text `{fullchain, key, keptFrom}`, against the envelope and against what is held. */
export function judgeContent(
  item: SealedCertificate,
  text: string,
  { held, compromised, now }: ReceivingSide,
): ContentVerdict {
  const pair = readCertificateText(text, item.by);
  if (!pair) return { ok: false, reason: 'it holds no certificate and key' };
  const exposed = held && held.notAfter > now ? exposedTo(held, compromised).length : 0;
  if (exposed > 0 && exposedTo({ source: 'relayed', keptFrom: pair.keptFrom }, compromised).length >= exposed)
    return { ok: false, reason: 'a compromised edge had its key as well', isNone: true };
  const verdict = judgeCertificate({
    ...{ ...pair, hostname: item.hostname, now },
    ...(held && exposed === 0 && { notOlderThan: held.notBefore }),
  });
  if (!verdict.ok) return { ok: false, reason: `${verdict.code}: ${verdict.detail}` };
  if (verdict.notBefore !== Date.parse(item.notBefore) || verdict.notAfter !== Date.parse(item.notAfter)) {
    return { ok: false, reason: 'its validity is not what the envelope says' };
  }
  return { ok: true, certificate: verdict, keptFrom: pair.keptFrom };
}
