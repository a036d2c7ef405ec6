// What edges found of each backend, put together. Pure. Law: an edge decides for itself whether it asks one; here it is only said, so one edge that
// finds it up is enough for it not to be called down.
import type { BackendView } from '../../../bundle/api.ts';

/** A service as routes name it. */
export interface Service {
  origin: string;
  /** Behind the origin. */
  host?: string;
  port: number;
}

export interface EdgeViews {
  edge: string;
  backends: readonly BackendView[];
  /** There were more: of those that it does not name it may find any up. */
  isCut?: boolean;
}

/** What one edge found when it asked in one way. */
export interface BackendSeen extends Omit<BackendView, 'address' | 'port'> {
  edge: string;
}

export interface BackendStanding {
  service: Service;
  /** By edge, then by what was asked. */
  seen: BackendSeen[];
  /** There while some question is answered to no edge that asks it. */
  down?: {
    /** Since when to the last of them, ISO 8601. */
    since: string;
    /** What the first one was told. */
    reason: string;
  };
}

/** `serviceAt`: whose tunnel address and port that are; undefined: nobody's any more. Sorted by service. */
export function backendStandings(
  views: Iterable<EdgeViews>,
  serviceAt: (address: string, port: number) => Service | undefined,
): BackendStanding[] {
  const found = new Map<string, { service: Service; seen: BackendSeen[] }>();
  const cut = new Set<string>();
  for (const { edge, backends, isCut } of views) {
    if (isCut) cut.add(edge);
    for (const { address, port, ...view } of backends) {
      const service = serviceAt(address, port);
      if (service === undefined) continue;
      const key = serviceName(service);
      const known = found.get(key) ?? { service, seen: [] };
      found.set(key, known);
      known.seen.push({ edge, ...view });
    }
  }
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { service, seen }]) => {
      const sorted = seen.sort((a, b) => order(a.edge, b.edge) || order(questionOf(a), questionOf(b)));
      const down = downBy(sorted, cut);
      return { service, seen: sorted, ...(down && { down }) };
    });
}

/** `home:8080`, or `home 192.168.1.20:8080` for one behind it. */
export function serviceName({ origin, host, port }: Service): string {
  return host === undefined ? `${origin}:${port}` : `${origin} ${host}:${port}`;
}

function downBy(seen: readonly BackendSeen[], cut: ReadonlySet<string>): BackendStanding['down'] {
  const isDead = (asked: readonly BackendSeen[]) => {
    const silent = [...cut].some((edge) => !asked.some((one) => one.edge === edge));
    return !silent && asked.every(({ up }) => !up);
  };
  const dead = [...Map.groupBy(seen, questionOf).values()].find(isDead);
  if (dead === undefined) return undefined;
  const since = dead.map((one) => one.since).reduce((a, b) => (a > b ? a : b));
  return { since, reason: dead.find(({ reason }) => reason !== undefined)?.reason ?? 'no reason' };
}

function questionOf({ check, hostname = '', script = '' }: BackendSeen): string {
  return `${check} ${hostname} ${script}`;
}

function order(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
