// What people and their monitoring read: is it alive, is it ready, what is served by whom. /healthz and /readyz are for anybody and
// name nothing. Lists and metrics hold hostnames, addresses and node names: they need the token of any node, or this machine.
import type { Request, Response, Router } from 'express';
import { keyFingerprint } from '../../bundle/fingerprint.ts';
import { WEEK_MS } from '../core/order-budget.ts';
import { judgeRequest, refuse, refuseVerdict } from './answer.ts';
import type { HttpDeps } from './deps.ts';
import { isLoopback } from './loopback.ts';
import { nodeFacts } from './node-facts.ts';
import { reportsInGit } from './reports-in-git.ts';
import { seenBackends } from './seen-backends.ts';
import type { ListedNode, ListedRoute } from './served.ts';
import { shownBackends } from './shown-backends.ts';
import { shownCertificates, shownRoutes } from './shown-routes.ts';
import { shownStanding, shownZones, standingsOf } from './shown-visitors.ts';
import { refuseTeam, teamVerdictOf } from './team-caller.ts';

/** A loop that has failed for this long is no longer ready. */
export const FAILING_MAX_MS = 10 * 60_000;

export function addObservation(router: Router, deps: HttpDeps): void {
  const { served, metrics } = deps;
  metrics.observe(metricSources(deps));
  router.get('/healthz', (_request, response) => void response.json({ status: 'ok' }));
  router.get('/readyz', (_request, response) => {
    const why = unreadiness(deps);
    response
      .status(why === undefined ? 200 : 503)
      .json(why === undefined ? { status: 'ready', ...holding(deps) } : { status: 'not ready', why });
  });
  router.get('/metrics', async (request, response) => {
    if (!mayRead(request, response, deps)) return;
    const { contentType, body } = await metrics.text();
    response.type(contentType).send(body);
  });
  router.get('/api/v1/routes', (request, response) => {
    const reader = readerOf(request, response, deps);
    if (reader) response.json({ routes: shownRoutes(routesFor(reader, deps), deps, reader.team !== undefined) });
  });
  router.get('/api/v1/certificates', (request, response) => {
    const reader = readerOf(request, response, deps);
    if (reader) response.json({ certificates: shownCertificates(deps, namesFor(reader, deps)) });
  });
  router.get('/api/v1/dns', (request, response) => {
    const reader = readerOf(request, response, deps);
    if (reader) response.json({ zones: shownZones(deps.visitors, served.listing, namesFor(reader, deps)) });
  });
  router.get('/api/v1/origins', (request, response) => {
    if (!mayRead(request, response, deps)) return;
    const backends = Map.groupBy(seenBackends(deps, deps.clock().getTime()), ({ service }) => service.origin);
    const origins = served.listing.origins.map((one) => ({
      ...described(one, deps),
      ...shownBackends(backends.get(one.name) ?? []),
    }));
    response.json({ origins, ...rootOf(deps) });
  });
  router.get('/api/v1/edges', (request, response) => {
    if (!mayRead(request, response, deps)) return;
    const standings = standingsOf(deps.visitors);
    const edges = served.listing.edges.map((one) => ({
      ...described(one, deps),
      ...shownStanding(standings.get(one.name)),
    }));
    response.json({ edges, ...rootOf(deps) });
  });
  router.get('/api/v1/rollout', (request, response) => {
    if (mayRead(request, response, deps)) response.json({ rollout: served.rollout(deps.clock()) ?? null });
  });
}

/** Everybody who may read it all, or one team. */
type Reader = { team?: string };

/** Undefined: the refusal was already sent. */
function readerOf(request: Request, response: Response, deps: HttpDeps): Reader | undefined {
  const team = teamVerdictOf(request.headers, deps.proposals);
  if (team?.kind === 'ok') return { team: team.team };
  return mayRead(request, response, deps) ? {} : undefined;
}

function routesFor({ team }: Reader, { served }: HttpDeps): ListedRoute[] {
  const { routes } = served.listing;
  return team === undefined ? routes : routes.filter((route) => route.team === team);
}

/** The hostnames of a team; undefined: all. */
function namesFor(reader: Reader, deps: HttpDeps): ReadonlySet<string> | undefined {
  if (reader.team === undefined) return undefined;
  return new Set(routesFor(reader, deps).flatMap(({ hostname }) => hostname ?? []));
}

/** Without authentication only from this machine itself: no proxy in between, and asked for by a local name. */
function mayRead(request: Request, response: Response, deps: HttpDeps): boolean {
  const { headers, socket } = request;
  const team = teamVerdictOf(headers, deps.proposals);
  if (team?.kind === 'ok') {
    refuse(response, 403, {
      error: 'not_for_teams',
      message: `a token of the team ${team.team} does not reach this`,
      hint: 'It reads /api/v1/routes, /api/v1/certificates and /api/v1/dns, as far as they are of the team.',
    });
    return false;
  }
  if (team) {
    refuseTeam(response, team);
    return false;
  }
  const direct = !deps.behindProxy && !headers.forwarded && !headers['x-forwarded-for'] && !headers.via;
  if (direct && isLoopback(socket.remoteAddress ?? '') && isLoopback(hostOf(headers.host))) return true;
  const verdict = judgeRequest(headers, deps);
  if (verdict.kind === 'ok') return true;
  refuseVerdict(response, verdict);
  return false;
}

/** Undefined: ready. The words hold no name and no address. */
function unreadiness({ served: { ready, health }, clock }: HttpDeps): string | undefined {
  const { failure } = health;
  if (!ready) return failure ? `nothing published yet: ${failure.code}` : 'nothing published yet';
  const failingMs = failure ? clock().getTime() - failure.sinceMs : 0;
  return failingMs > FAILING_MAX_MS
    ? `the loop has failed for ${Math.round(failingMs / 1000)} s: ${failure!.code}`
    : undefined;
}

/** Only that it is so: the reason names files, and stands in the log. */
function holding({ served }: HttpDeps) {
  return served.health.held === undefined ? {} : { held: true };
}

/** Under which everything is signed. */
function rootOf({ served: { rootVersion } }: HttpDeps) {
  return rootVersion === 0 ? {} : { rootVersion };
}

function described<T extends ListedNode>(listed: T, { served, reports, health, clock }: HttpDeps) {
  const { name } = listed;
  const refused = reports.refused.of(name, clock().getTime());
  const bound = reports.enrolment(name);
  const enrolment = bound?.enrolment;
  const { report } = reports.report(name) ?? {};
  const lastSeenMs = reports.report(name)?.lastSeenMs;
  return {
    ...listed,
    fingerprint: enrolment && keyFingerprint(enrolment),
    announced: enrolment?.address,
    boundGeneration: bound?.generation,
    lastSeen: lastSeenMs === undefined ? undefined : new Date(lastSeenMs).toISOString(),
    reported: report?.state,
    reportedSince: report?.stateSince,
    reason: report?.reason,
    agentVersion: report?.agentVersion,
    rootVersion: report?.rootVersion,
    published: served.node(name)?.published.configHash,
    applied: report?.applied,
    error: report?.error,
    quarantined: report?.quarantined,
    // Others order its certificates.
    silent: health.silent().has(name) || undefined,
    certificates: report?.certificates,
    answers: report?.answers,
    restored: report?.restored,
    unacknowledged: report?.unacknowledged,
    refusedAnnouncement: refused?.reason,
    refusedAt: refused && new Date(refused.atMs).toISOString(),
  };
}

function metricSources({ served, reports, store, health, visitors, orderLimits, orderServer, clock }: HttpDeps) {
  return {
    silentEdges: () => health.silent().size,
    async newNamesLeft() {
      const server = orderServer();
      if (server === undefined) return new Map();
      const { newNamesPerDomain } = orderLimits(server);
      const used = await store.newNames(server, clock().getTime() - WEEK_MS);
      return new Map([...used].map(([domain, count]) => [domain, Math.max(0, newNamesPerDomain - count)]));
    },
    longPolls: () => served.waiting,
    rootVersion: () => served.rootVersion,
    visitors,
    refusedNodes: () => reports.refused.count(clock().getTime()),
    nodeStates() {
      const states = new Map<string, number>();
      for (const { report } of reportsInGit({ reports, served }))
        states.set(report.state, (states.get(report.state) ?? 0) + 1);
      return states;
    },
    nodes: () => nodeFacts({ reports, served }, clock().getTime()),
    lastSeenAges() {
      const nowMs = clock().getTime();
      return new Map(
        Array.from(reportsInGit({ reports, served }), ({ node, lastSeenMs }) => [
          node,
          Math.max(0, nowMs - lastSeenMs) / 1000,
        ]),
      );
    },
  };
}

/** The host of a Host header, without its port. */
function hostOf(header: string | undefined): string {
  return (header ?? '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}
