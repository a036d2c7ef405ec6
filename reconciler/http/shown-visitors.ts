// Where visitors are sent, as people read it: what everybody says of an edge, whether it is in DNS, and how each zone stands. Law: every
// list has a bound, and what is left off is counted.
import type { VisitorSources } from '../adapters/metrics-visitors.ts';
import type { Unsettled, ZoneStanding } from '../dns/zone-standing.ts';
import type { EdgeStanding } from '../fleet-health.ts';
import type { Listing } from './served.ts';
import { shownText, shownTime } from './shown-text.ts';

export const UNSETTLED_MAX = 1_000;
const VOTES_MAX = 100;

/** By edge. */
export function standingsOf(visitors: VisitorSources | undefined): ReadonlyMap<string, EdgeStanding> {
  return new Map((visitors?.edges() ?? []).map((standing) => [standing.edge, standing]));
}

/** `dns` is absent where the name of the pool is not ours to write. */
export function shownStanding(standing: EdgeStanding | undefined) {
  if (standing === undefined) return {};
  const { verdict, member } = standing;
  const votes = verdict.votes.slice(0, VOTES_MAX).map(({ by, up, since, reason }) => ({
    ...{ by: shownText(by), up, since: shownText(since) },
    ...(reason !== undefined && { reason: shownText(reason) }),
  }));
  return {
    health: { state: verdict.state, votes },
    ...(member && {
      dns: {
        ...{ in: member.inDns, since: shownTime(member.sinceMs) },
        ...(member.reason !== undefined && { reason: shownText(member.reason) }),
      },
    }),
  };
}

/** `names`: the only ones that whoever asks may see; undefined: all, and how the provider is. */
export function shownZones(visitors: VisitorSources | undefined, { zones = [] }: Listing, names?: ReadonlySet<string>) {
  const providers = new Map(zones.map(({ zone, provider }) => [zone, provider]));
  const sorted = [...(visitors?.zones() ?? [])].sort((a, b) => (a.zone < b.zone ? -1 : 1));
  let room = UNSETTLED_MAX;
  const shown = sorted.map((standing) => {
    const own = standing.unsettled.filter(({ name }) => names?.has(name) ?? true);
    const unsettled = own.sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, room);
    room -= unsettled.length;
    const left = own.length - unsettled.length;
    return {
      zone: standing.zone,
      ...(names === undefined && aboutZone(standing, providers.get(standing.zone))),
      unsettled: unsettled.map(shownUnsettled),
      ...(left > 0 && { leftOff: left }),
    };
  });
  return names === undefined ? shown : shown.filter(({ zone }) => [...names].some((name) => isWithin(name, zone)));
}

export function shownUnsettled({ name, kind, reason, sinceMs }: Unsettled) {
  return { name: shownText(name), kind, reason: shownText(reason), since: shownTime(sinceMs) };
}

export function isWithin(name: string, zone: string): boolean {
  return name === zone || name.endsWith(`.${zone}`);
}

function aboutZone({ wanted, trouble, lookedMs }: ZoneStanding, provider: string | undefined) {
  return {
    ...(provider !== undefined && { provider }),
    wanted,
    ...(trouble && {
      trouble: {
        ...{ code: shownText(trouble.code), reason: shownText(trouble.reason) },
        since: shownTime(trouble.sinceMs),
      },
    }),
    ...(lookedMs !== undefined && { lookedAt: shownTime(lookedMs) }),
  };
}
