// What the edges of its pool say of each route. Law: made by one pass over the reports, whatever the number of routes; a list of edges has a
// bound, and nothing of an edge but its name, and what it says of this hostname, is shown.
import type { VisitorSources } from '../adapters/metrics-visitors.ts';
import type { BackendStanding } from '../core/health/backend-standing.ts';
import type { Unsettled } from '../dns/zone-standing.ts';
import type { HttpDeps } from './deps.ts';
import { seenBackends } from './seen-backends.ts';
import type { ListedRoute, Listing } from './served.ts';
import { byService, servicesOfRoute, shownBackends } from './shown-backends.ts';
import { shownText } from './shown-text.ts';
import { shownUnsettled } from './shown-visitors.ts';

const EDGES_SHOWN_MAX = 20;
/** As many entries as the agent may report; a list that is full may have been cut, so that absence in it says nothing. */
const FULL_LIST = 1_000;

type Deps = Pick<HttpDeps, 'reports' | 'visitors' | 'clock'> & { served: { listing: Listing } };
type Certificate = { hostname: string; notAfter: string; ending?: string; exposed?: string };
type Answer = { status?: number; failure?: string; since: string };

/** What one edge said, by hostname. */
interface Said {
  edge: string;
  hasApplied: boolean;
  isWhole: boolean;
  answers: ReadonlyMap<string, Answer>;
  quarantined: ReadonlyMap<string, string>;
  certificates: ReadonlyMap<string, Certificate>;
}

/** `forTeam`: without the names of nodes. */
export function shownRoutes(routes: readonly ListedRoute[], deps: Deps, forTeam = false) {
  const byPool = Map.groupBy(saidByEdges(deps), ({ pool }) => pool);
  const unsettled = unsettledNames(deps.visitors);
  const backends = byService(seenBackends(deps, deps.clock().getTime()));
  return routes.map((route) => {
    const { hostname, pool = '' } = route;
    const trouble = backendsOf(route, backends, forTeam);
    if (hostname === undefined) return { ...route, ...trouble };
    const standing = standingOf(hostname, byPool.get(pool) ?? [], unsettled.get(hostname), forTeam);
    return { ...route, ...standing, ...trouble };
  });
}

/** Without what other teams ask of the same service. */
function askedFor(standing: BackendStanding, { hostname }: ListedRoute): BackendStanding {
  return { ...standing, seen: standing.seen.filter((one) => one.hostname === undefined || one.hostname === hostname) };
}

/** Under another name than the list in git. */
function backendsOf(route: ListedRoute, backends: ReadonlyMap<string, BackendStanding>, forTeam: boolean) {
  if (backends.size === 0) return {};
  const standings = servicesOfRoute(route).flatMap((name) => backends.get(name) ?? []);
  const { backends: ill } = shownBackends(forTeam ? standings.map((one) => askedFor(one, route)) : standings, forTeam);
  return ill === undefined ? {} : { backendTrouble: ill };
}

/** Each name with the oldest certificate of it, and who lacks it. `only`: hostnames; undefined: all. */
export function shownCertificates(deps: Deps, only?: ReadonlySet<string>) {
  const forTeam = only !== undefined;
  const all = saidByEdges(deps);
  const byName = new Map<string, { pools: Set<string>; held: Certificate[] }>();
  for (const { pool, certificates } of all)
    for (const certificate of certificates.values()) {
      if (only !== undefined && !only.has(certificate.hostname)) continue;
      const entry = byName.get(certificate.hostname) ?? { pools: new Set(), held: [] };
      entry.pools.add(pool);
      entry.held.push(certificate);
      byName.set(certificate.hostname, entry);
    }
  return [...byName]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { pools, held }]) => {
      const lacking = all.filter(
        ({ pool, isWhole, hasApplied, certificates }) =>
          pools.has(pool) && hasApplied && isWhole && !certificates.has(name),
      );
      return { name: shownText(name), ...shownCertificate(held, forTeam), ...lack(lacking, forTeam) };
    });
}

function saidByEdges({ served, reports }: Deps): (Said & { pool: string })[] {
  return served.listing.edges
    .filter(({ state }) => state === 'active')
    .map(({ name, pool }) => {
      const report = reports.report(name)?.report;
      const certificates = report?.certificates ?? [];
      return {
        ...{ edge: name, pool, hasApplied: report?.applied !== undefined },
        isWhole: certificates.length < FULL_LIST,
        answers: new Map((report?.answers ?? []).map((one) => [one.hostname, one])),
        quarantined: new Map((report?.quarantined ?? []).map((one) => [one.hostname, one.reason])),
        certificates: new Map(certificates.map((one) => [one.hostname, one])),
      };
    });
}

function unsettledNames(visitors: VisitorSources | undefined): ReadonlyMap<string, Unsettled> {
  return new Map((visitors?.zones() ?? []).flatMap(({ unsettled }) => unsettled.map((one) => [one.name, one])));
}

function standingOf(hostname: string, edges: readonly Said[], unsettled: Unsettled | undefined, forTeam: boolean) {
  const serving = edges.filter(({ hasApplied, quarantined }) => hasApplied && !quarantined.has(hostname));
  const answers = edges.flatMap(({ edge, answers: all }) => {
    const one = all.get(hostname);
    if (one === undefined) return [];
    const { status, failure, since } = one;
    const how = failure === undefined ? { status } : { failure: shownText(failure) };
    return [{ ...by(edge, forTeam), ...how, since: shownText(since) }];
  });
  const quarantined = edges.flatMap(({ edge, quarantined: all }) => {
    const reason = all.get(hostname);
    return reason === undefined ? [] : [{ ...by(edge, forTeam), reason: shownText(reason) }];
  });
  const above = `*.${hostname.slice(hostname.indexOf('.') + 1)}`;
  const held = edges.flatMap(({ certificates }) => certificates.get(hostname) ?? certificates.get(above) ?? []);
  const lacking = edges.filter(
    ({ isWhole, hasApplied, certificates }) =>
      isWhole && hasApplied && !certificates.has(hostname) && !certificates.has(above),
  );
  return {
    served: { by: serving.length, of: edges.length },
    ...(answers.length > 0 && { answers: answers.slice(0, EDGES_SHOWN_MAX) }),
    ...(quarantined.length > 0 && { quarantined: quarantined.slice(0, EDGES_SHOWN_MAX) }),
    ...(held.length > 0 && { certificate: { ...shownCertificate(held, forTeam), ...lack(lacking, forTeam) } }),
    ...(unsettled && { dns: shownUnsettled(unsettled) }),
  };
}

/** Where edges have several, the one that ends first. */
function shownCertificate(held: readonly Certificate[], forTeam: boolean) {
  const notAfter = held.map((one) => one.notAfter).reduce((a, b) => (a < b ? a : b));
  const ending = held.find((one) => one.ending !== undefined)?.ending;
  const exposed = held.find((one) => one.exposed !== undefined)?.exposed;
  return {
    notAfter: shownText(notAfter),
    ...(ending !== undefined && { ending: shownText(ending) }),
    ...(exposed !== undefined && { exposed: forTeam ? 'an edge that had its key is compromised' : shownText(exposed) }),
  };
}

function by(edge: string, forTeam: boolean) {
  return forTeam ? {} : { edge };
}

function lack(edges: readonly Said[], forTeam: boolean) {
  return forTeam || edges.length === 0 ? {} : { missing: edges.slice(0, EDGES_SHOWN_MAX).map(({ edge }) => edge) };
}
