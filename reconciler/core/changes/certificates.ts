// Certificates that the edges will order after a merge, by registered domain, because that is how the CA limits them.
import { parse } from 'tldts';
import type { Compiled } from '../compile.ts';
import type { Certificates } from './change.ts';
import { hostIn } from './hosts.ts';

/** New certificates for one registered domain in 7 days. https://letsencrypt.org/docs/rate-limits/#new-certificates-per-registered-domain */
export const ORDERS_PER_WEEK_MAX = 50;

/**
 * `hostnames`: sorted, all that may be served newly. A host of which the time is over keeps its certificate, and one that comes into
 * another pool needs a new one there.
 */
export function certificatesFor(hostnames: readonly string[], from: Compiled | undefined, to: Compiled): Certificates {
  const wanted = hostnames.filter((hostname) => {
    const pool = certifiedIn(to, hostname);
    return pool !== undefined && pool !== certifiedIn(from, hostname);
  });
  const byDomain = Map.groupBy(
    wanted.filter((hostname) => !isWildcard(hostname)),
    registeredDomain,
  );
  const domains = [...byDomain].map(([domain, names]) => ({ domain, hostnames: names }));
  return { domains: domains.sort((a, b) => (a.domain < b.domain ? -1 : 1)), wildcards: wanted.filter(isWildcard) };
}

/** The pool whose edges hold a certificate for a hostname; undefined where none does, as with what passes through unopened. */
function certifiedIn(compiled: Compiled | undefined, hostname: string): string | undefined {
  const placed = hostIn(compiled, hostname);
  return placed?.file.value?.protocol === 'tls' ? undefined : placed?.pool;
}

function isWildcard(hostname: string): boolean {
  return hostname.startsWith('*.');
}

/** Private suffixes count (github.io), as they do for the CA. A name that belongs to no suffix is counted by itself. */
function registeredDomain(hostname: string): string {
  return parse(hostname, { allowPrivateDomains: true, validateHostname: false }).domain ?? hostname;
}
