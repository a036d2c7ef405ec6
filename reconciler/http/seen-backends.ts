// What the edges that were heard lately say of the backends that they ask. Law: one that fell silent says nothing any more.
import { type BackendStanding, backendStandings } from '../core/health/backend-standing.ts';
import type { FleetReports } from './fleet-reports.ts';
import { nodesInService } from './reports-in-git.ts';
import type { Served } from './served.ts';

/** A heartbeat comes every 20 s. */
const HEARD_MS = 90_000;

export interface SeenBackendsParts {
  reports: Pick<FleetReports, 'report'>;
  served: Pick<Served, 'listing'>;
}

/** Sorted by service. Costs what the reports hold. */
export function seenBackends({ reports, served }: SeenBackendsParts, nowMs: number): BackendStanding[] {
  const { edges, serviceAt } = served.listing;
  if (serviceAt === undefined) return [];
  const views = edges
    .filter(({ state }) => state === 'active' || state === 'draining')
    .flatMap(({ name }) => {
      const known = reports.report(name);
      const isHeard = known !== undefined && nowMs - known.lastSeenMs < HEARD_MS;
      if (!isHeard) return [];
      const { backends = [], backendsDecided = 0 } = known.report;
      return [{ edge: name, backends, isCut: backendsDecided > backends.length }];
    });
  return backendStandings(views, serviceAt);
}

/** Those of origins that people do not keep out. */
export function backendsInService(
  { reports, served }: SeenBackendsParts & { served: Pick<Served, 'access'> },
  nowMs: number,
): BackendStanding[] {
  const serving = nodesInService(served);
  return seenBackends({ reports, served }, nowMs).filter(({ service }) => serving.has(service.origin));
}
