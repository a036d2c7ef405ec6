// Certificates that the edges will order after a merge, by registered domain, because that is how the CA limits them.
import { canBeOrdered, certificateNameOf } from '../certificate-rules.ts';
import { chunkEntries } from '../chunks.ts';
import type { Compiled } from '../compile.ts';
import { orderLimitsOf } from '../order-limits.ts';
import { registeredDomain } from '../registered-domain.ts';
import { ownCertificateOf } from '../route-secrets.ts';
import type { Certificates } from './change.ts';
import { hostIn } from './hosts.ts';

/** Registered domain → names that got their first certificate of the authority in the last 7 days, as the store has them. */
export type OrderedNames = ReadonlyMap<string, number>;

/**
 * `hostnames`: sorted, all that may be served newly. A host of which the time is over keeps its certificate, and one that comes into
 * another pool needs a new one there.
 */
export function certificatesFor(
  hostnames: readonly string[],
  from: Compiled | undefined,
  to: Compiled,
  ordered?: OrderedNames,
): Certificates {
  const kokoa = to.desired.kokoa?.value;
  const perWeek = orderLimitsOf(kokoa, kokoa?.acme.server ?? '').newNamesPerDomain;
  const wanted = hostnames.filter((hostname) => {
    const pool = certifiedIn(to, hostname);
    return pool !== undefined && pool !== certifiedIn(from, hostname);
  });
  const rules = to.routing.certificates;
  const names = new Set(wanted.map((hostname) => certificateNameOf(hostname, rules)));
  const ownNames = new Set(wanted);
  const shared = [...names].filter((name) => !ownNames.has(name));
  for (const name of shared.length > 0 ? sharedIn(from) : []) names.delete(name);
  const byDomain = Map.groupBy(
    [...names].filter((name) => canBeOrdered(name, rules)),
    registeredDomain,
  );
  const domains = [...byDomain].map(([domain, all]) => {
    const left = ordered && Math.max(0, perWeek - (ordered.get(domain) ?? 0));
    return { domain, hostnames: all, ...(left !== undefined && { left }) };
  });
  const wildcards = [...names].filter((name) => !canBeOrdered(name, rules));
  return { perWeek, domains: domains.sort((a, b) => (a.domain < b.domain ? -1 : 1)), wildcards };
}

/** Names of certificates that serve other hosts than their own already. Costs a walk through all hosts. */
function sharedIn(compiled: Compiled | undefined): Set<string> {
  const pools = [...(compiled?.routing.pools.values() ?? [])];
  return new Set(pools.flatMap((chunks) => [...chunkEntries(chunks)].flatMap(({ wire }) => wire.certificate ?? [])));
}

/** The pool whose edges order a certificate for a hostname; undefined: none, as with what passes through unopened, or brings its own. */
function certifiedIn(compiled: Compiled | undefined, hostname: string): string | undefined {
  const placed = hostIn(compiled, hostname);
  const route = placed?.file.value;
  return route === undefined || route.protocol === 'tls' || ownCertificateOf(route) ? undefined : placed?.pool;
}
