// What an edge says of its certificates: those it holds, the hostnames that wait for one, and those whose certificate is there and cannot be
// served. Worked out of the view and the shelf; bounded.
import type { EdgeView } from './certificate-orders.ts';
import type { CertificateShelf } from './certificate-shelf.ts';
import type { Reasons } from './certificates-reasons.ts';

/** Of a status report; those that end first, those without a certificate. */
export const STATUS_CERTIFICATES_MAX = 1_000;
export const STATUS_QUARANTINED_MAX = 200;

export interface Broken {
  hostname: string;
  reason: string;
}

export function brokenOf(view: EdgeView | undefined, broken: ReadonlyMap<string, string>): Broken[] {
  const ours = [...broken].filter(([hostname]) => view?.certificates.has(hostname));
  return ours.slice(0, STATUS_QUARANTINED_MAX).map(([hostname, reason]) => ({ hostname, reason }));
}

/** Hosts that were tried for and have no certificate that is valid now, with the newest reason; at most 200. */
export function unobtainedOf(
  view: EdgeView | undefined,
  shelf: CertificateShelf,
  reasons: Reasons,
  now: number,
): Broken[] {
  const ours = [...reasons.failures()].filter(
    ([hostname]) => view?.certificates.has(hostname) && !shelf.isServed(hostname, now),
  );
  return ours.slice(0, STATUS_QUARANTINED_MAX).map(([hostname, reason]) => ({ hostname, reason }));
}

export function statusOf(view: EdgeView, shelf: CertificateShelf, reasons: Reasons, now: number) {
  const certificates = [...shelf.all()]
    .filter(({ hostname, notAfter }) => notAfter > now && view.certificates.has(hostname))
    .sort((a, b) => a.notAfter - b.notAfter || (a.hostname < b.hostname ? -1 : 1))
    .slice(0, STATUS_CERTIFICATES_MAX)
    .map(({ hostname, notAfter }) => ({ hostname, notAfter: new Date(notAfter).toISOString() }));
  const broken = shelf.broken(now);
  const quarantined: { hostname: string; reason: string }[] = [];
  for (const [hostname, orderer] of view.certificates) {
    if (quarantined.length >= STATUS_QUARANTINED_MAX) break;
    if (shelf.isServed(hostname, now)) continue;
    const waits = reasons.of(hostname) ?? waitingReason(hostname, orderer, view.config.node);
    const why = broken.get(hostname);
    quarantined.push({ hostname, reason: why === undefined ? waits : `${why}; ${waits}` });
  }
  return { certificates, quarantined };
}

function waitingReason(hostname: string, orderer: string | undefined, me: string): string {
  if (hostname.startsWith('*.')) return 'a wildcard is not ordered by HTTP-01: import its certificate';
  if (orderer === undefined) return 'no edge is named to order its certificate yet';
  return orderer === me ? 'about to be ordered' : `waiting for ${orderer} to order it`;
}
