// What an edge says of its certificates: those it holds, those that end soon, the hostnames that wait for one, and those whose certificate is
// there and is not served. Worked out of the view, the shelf and what was seen; bounded.
import { isWildcard } from '../bundle/certificate-name.ts';
import type { EdgeView } from './certificate-orders.ts';
import type { CertificateShelf } from './certificate-shelf.ts';
import { REASON_CHARACTERS_MAX, type Reasons } from './certificates-reasons.ts';
import { certificatesCovering } from './core/certificate-choice.ts';
import { exposedTo, namesOf } from './core/exposure.ts';
import { isEnding } from './core/renewal.ts';
import type { CertificateSource, HeldCertificate } from './ports/certificate-store.ts';

/** Of a status report; those that end first, those without a certificate. */
export const STATUS_CERTIFICATES_MAX = 1_000;
export const STATUS_QUARANTINED_MAX = 200;
const NOT_RENEWED: Partial<Record<CertificateSource, string>> = {
  imported: 'imported, and so never renewed here: import a newer one',
  given: 'brought for its route, and so never renewed here: put a newer one in its place',
};

export interface Broken {
  hostname: string;
  reason: string;
}

/** `differences`: hostname → how what is served differs from what is held. */
export function brokenOf(
  view: EdgeView | undefined,
  broken: ReadonlyMap<string, string>,
  differences: ReadonlyMap<string, string>,
): Broken[] {
  const ours = [...[...broken].filter(([hostname]) => view?.certificates.has(hostname)), ...differences];
  return ours.slice(0, STATUS_QUARANTINED_MAX).map(([hostname, reason]) => ({ hostname, reason }));
}

/** A certificate that is good and has less than a quarter of its life left. */
export interface Ending {
  /** Its name. */
  hostname: string;
  /** ms since the epoch. */
  notAfter: number;
  /** Why it was not replaced. */
  reason: string;
}

/** A certificate whose key a compromised edge had. */
export interface Exposed {
  /** Its name. */
  hostname: string;
  /** Names of those edges. */
  edges: string;
  /** Why it was not replaced. */
  reason: string;
}

/** At most 1 000. */
export function exposedOf(view: EdgeView | undefined, shelf: CertificateShelf, reasons: Reasons): Exposed[] {
  const compromised = view?.config.edge.compromised;
  if (!view || !compromised) return [];
  const found: Exposed[] = [];
  for (const certificate of shelf.all()) {
    const { hostname } = certificate;
    const edges = view.certificates.has(hostname) ? exposedTo(certificate, compromised) : [];
    if (edges.length === 0 || found.length >= STATUS_CERTIFICATES_MAX) continue;
    const reason = reasons.failures().get(hostname) ?? orderedAnew(view.certificates.get(hostname), view);
    found.push({ hostname, edges: namesOf(edges), reason });
  }
  return found;
}

function orderedAnew(orderer: string | undefined, view: EdgeView): string {
  if (orderer === undefined || orderer === view.config.node) return awaited(orderer, view);
  return `waiting for ${orderer} to order it, which it does not while it has an imported one: kokoa-agent status there`;
}

/** An imported certificate of a name that this edge orders for its pool, where a compromised edge had the keys. */
export interface HeldUp {
  /** Its name. */
  hostname: string;
  /** Names of those edges. */
  edges: string;
  todo: string;
}

/** At most 1 000. Whether the others have an imported one as well is not known here. */
export function heldUpOf(view: EdgeView | undefined, shelf: CertificateShelf, now: number): HeldUp[] {
  const compromised = view?.config.edge.compromised;
  if (!view || !compromised || view.config.edge.members.length < 2) return [];
  const isOurs = ({ hostname, source, notAfter }: HeldCertificate) =>
    source === 'imported' && notAfter > now && view.certificates.get(hostname) === view.config.node;
  const found = [...shelf.all()].filter(isOurs).slice(0, STATUS_CERTIFICATES_MAX);
  return found.map(({ hostname }) => ({ hostname, edges: namesOf(compromised), todo: heldUpTodo(hostname) }));
}

/** What ends it, for a person. */
export function heldUpTodo(hostname: string): string {
  return `import one on every edge of the pool, give the route tls.certificate, or: kokoa-agent certs forget ${hostname}`;
}

/** The first to end first; at most 1 000. */
export function endingOf(view: EdgeView | undefined, shelf: CertificateShelf, reasons: Reasons, now: number): Ending[] {
  if (!view) return [];
  const ours = [...shelf.all()].filter((one) => isEnding(one, now) && view.certificates.has(one.hostname));
  return ours
    .sort((a, b) => a.notAfter - b.notAfter)
    .slice(0, STATUS_CERTIFICATES_MAX)
    .map(({ hostname, notAfter, source }) => {
      const orderer = view.certificates.get(hostname);
      const failure = reasons.failures().get(hostname);
      return { hostname, notAfter, reason: NOT_RENEWED[source] ?? failure ?? awaited(orderer, view) };
    });
}

function awaited(orderer: string | undefined, { config }: EdgeView): string {
  if (orderer === undefined) return 'no edge is named to renew it';
  return orderer === config.node ? 'about to be renewed' : `waiting for ${orderer} to renew it`;
}

/** Hosts that were tried for and have no certificate that is valid now, or one that ends soon, with the newest reason; at most 200. */
export function unobtainedOf(
  view: EdgeView | undefined,
  shelf: CertificateShelf,
  reasons: Reasons,
  now: number,
): Broken[] {
  const ours = [...reasons.failures()].filter(
    ([name]) => view?.certificates.has(name) && (!shelf.isServed(name, now) || isEnding(shelf.get(name)!, now)),
  );
  return ours.slice(0, STATUS_QUARANTINED_MAX).map(([hostname, reason]) => ({ hostname, reason }));
}

/** True when a certificate that covers the hostname can be served, its own or another. */
export function isCovered(
  view: Pick<EdgeView, 'servedBy'> | undefined,
  hostname: string,
  isHeld: (name: string) => boolean,
): boolean {
  return certificatesCovering(hostname, view?.servedBy.get(hostname) ?? hostname).some(isHeld);
}

export function statusOf(
  view: EdgeView,
  shelf: CertificateShelf,
  reasons: Reasons,
  differences: ReadonlyMap<string, string>,
  now: number,
) {
  const ending = new Map(endingOf(view, shelf, reasons, now).map(({ hostname, reason }) => [hostname, reason]));
  const exposed = new Map(
    exposedOf(view, shelf, reasons).map(({ hostname, edges, reason }) => [
      hostname,
      `${edges} had its key; ${reason}`.slice(0, REASON_CHARACTERS_MAX),
    ]),
  );
  const certificates = [...shelf.all()]
    .filter(({ hostname, notAfter }) => notAfter > now && view.certificates.has(hostname))
    .sort((a, b) => a.notAfter - b.notAfter || (a.hostname < b.hostname ? -1 : 1))
    .slice(0, STATUS_CERTIFICATES_MAX)
    .map(({ hostname, notAfter }) => ({
      ...{ hostname, notAfter: new Date(notAfter).toISOString() },
      ...(ending.has(hostname) && { ending: ending.get(hostname)! }),
      ...(exposed.has(hostname) && { exposed: exposed.get(hostname)! }),
    }));
  const broken = shelf.broken(now);
  const quarantined: { hostname: string; reason: string }[] = [];
  for (const [hostname, name] of view.servedBy) {
    if (quarantined.length >= STATUS_QUARANTINED_MAX) break;
    const difference = differences.get(hostname);
    if (difference !== undefined) quarantined.push({ hostname, reason: difference });
    if (difference !== undefined || isCovered(view, hostname, (one) => shelf.isServed(one, now))) continue;
    const orderer = view.certificates.get(name);
    const all = orderer === undefined ? undefined : reasons.ofAll();
    const waits = all ?? reasons.of(name) ?? waitingReason(name, orderer, view.config.node);
    const why = broken.get(name);
    quarantined.push({ hostname, reason: why === undefined ? waits : `${why}; ${waits}` });
  }
  return { certificates, quarantined };
}

function waitingReason(name: string, orderer: string | undefined, me: string): string {
  if (isWildcard(name) && orderer === undefined)
    return 'a wildcard needs DNS-01, which its zone in kokoa.yaml does not allow: import its certificate';
  if (orderer === undefined) return 'no edge is named to order its certificate yet';
  return orderer === me ? 'about to be ordered' : `waiting for ${orderer} to order it`;
}

/** With the hosts whose certificate was brought for them and is not what is served, and why. */
export function withTroubles<Status extends { quarantined: Broken[] }>(
  status: Status,
  troubles: ReadonlyMap<string, string>,
): Status {
  if (troubles.size === 0) return status;
  const known = new Set(status.quarantined.map(({ hostname }) => hostname));
  const others = [...troubles].filter(([hostname]) => !known.has(hostname));
  const quarantined = [...status.quarantined, ...others.map(([hostname, reason]) => ({ hostname, reason }))];
  return { ...status, quarantined: quarantined.slice(0, STATUS_QUARANTINED_MAX) };
}
