// Certificates that people bring for routes, as an edge sees them. Law: a sealed text may come from whoever can sign for the control plane, so
// what it holds is judged here again; and what was given counts against nothing once its route asks for none.
import { type AcceptedCertificate, judgeCertificate } from '../../bundle/certificate.ts';
import { readCertificateText } from '../../bundle/certificate-text.ts';
import type { Chunk } from '../../bundle/config.ts';
import type { HeldCertificate } from '../ports/certificate-store.ts';

/**
 * Hostname → its sealed text; undefined: the control plane has none that is usable. One that would take the place of a certificate by which
 * other routes are served is left out: who brought it would have the key of hosts that are not theirs.
 */
export function ownCertificates(chunks: readonly Chunk[]): Map<string, string | undefined> {
  const found = new Map<string, string | undefined>();
  for (const { routes } of chunks)
    for (const { hostname, ownCertificate } of routes)
      if (ownCertificate !== undefined) found.set(hostname, ownCertificate.sealed);
  if (found.size === 0) return found;
  for (const { routes } of chunks)
    for (const { hostname, certificate, protocol } of routes)
      if (certificate !== undefined && certificate !== hostname && protocol !== 'tls') found.delete(certificate);
  return found;
}

export type GivenJudgement =
  | { ok: true; certificate: AcceptedCertificate }
  /** Nothing of the text is repeated but the names in a certificate. */
  | { ok: false; reason: string };

/** Judges what was sealed. An older one than the one held is what somebody chose. */
export function judgeGiven(hostname: string, text: string, now: number): GivenJudgement {
  const pair = readCertificateText(text);
  if (!pair) return { ok: false, reason: 'it holds no certificate and key' };
  const judged = judgeCertificate({ ...pair, hostname, now });
  // The same words at every look, or each would be another reason.
  if (!judged.ok) return { ok: false, reason: `${judged.code}: ${judged.detail.replace(/, now is .*/, '')}` };
  return { ok: true, certificate: judged };
}

/**
 * What is held, as orders and hand-over are to see it: one that was given for a route that has an orderer again is served until another one
 * comes, and stands in the way of none.
 */
export function standingAgainst(
  held: HeldCertificate | undefined,
  orderer: string | undefined,
): HeldCertificate | undefined {
  return held?.source === 'given' && orderer !== undefined ? undefined : held;
}
