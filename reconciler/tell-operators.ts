// What happens in the reconciler, as operators are told of it. Law: it only tells; what is as it was is told again at no cost, so that the
// state of everything may be told at a start.

import { type BackendStanding, serviceName } from './core/health/backend-standing.ts';
import { TAKEN_OUT, type Transition } from './core/health/pool-members.ts';
import { type NotifyKind, notifyEvent } from './core/notify/event.ts';
import { type Exposures, exposedOn, exposureOf } from './core/notify/exposed-certificates.ts';
import type { Rollout } from './core/rollout/rollout.ts';
import type { ZoneStanding } from './dns/zone-standing.ts';
import type { EdgeStanding } from './fleet-health.ts';
import type { Notify } from './notify.ts';
import type { NodeReport } from './ports/store.ts';
import type { Outcome } from './reconcile.ts';

export interface OperatorsTold {
  /** An edge entered or left DNS, or should have. */
  edge(transition: Transition): void;
  /** How all edges stand, at a start. */
  edges(standings: readonly EdgeStanding[]): void;
  silent(edge: string): void;
  heard(edge: string): void;
  zone(standing: ZoneStanding): void;
  ran(outcome: Outcome): void;
  failed(error: unknown): void;
  /** What nodes said last, from time to time. */
  reports(reports: Iterable<NodeReport>): void;
  /** What the nodes said last that are let in: a machine that is kept out replaces nothing. */
  exposed(reports: Iterable<NodeReport>): void;
  /** What edges find of the services of origins that are let in, from time to time. */
  backends(standings: readonly BackendStanding[]): void;
}

/** Of all that there is: subjects that change nothing of it. */
const PUBLISHING = 'publishing';
const SETTINGS = 'settings';
const CERTIFICATES = 'certificates';
/** Certificates that end soon and are told one by one. */
const CERTIFICATES_MAX = 100;

export function createOperatorsTold({ tell }: Pick<Notify, 'tell'>, now: () => number): OperatorsTold {
  let ending = new Set<string>();
  let exposures: Exposures = new Map();
  let subjectsDown = new Set<string>();
  let isFirstLook = true;
  let isStarting = true;
  const startedMs = now();
  const heardSince = new Set<string>();

  function say(kind: NotifyKind, subject: string, reason: string | undefined, sinceMs = now()): void {
    const at = new Date(sinceMs).toISOString();
    const state = reason === undefined ? 'well' : 'trouble';
    tell(notifyEvent({ kind, subject, at, state, reason: reason ?? '' }));
  }

  function memberOf({ edge, member }: EdgeStanding): void {
    if (member === undefined) return;
    const { inDns, reason, sinceMs } = member;
    say('edge-withdrawn', edge, inDns || reason === TAKEN_OUT ? undefined : reason, sinceMs);
    say('edge-kept', edge, inDns ? reason : undefined, sinceMs);
  }

  return {
    edge(transition) {
      const { kind, edge } = transition;
      const reason = 'reason' in transition ? transition.reason : undefined;
      // Who is taken out by people is no trouble.
      say('edge-withdrawn', edge, kind === 'withdrawn' ? reason : undefined);
      say('edge-kept', edge, kind === 'kept' ? reason : undefined);
    },
    edges: (standings) => standings.forEach(memberOf),
    silent: (edge) => say('node-silent', edge, 'no report came for 90 s, while others were heard'),
    heard: (edge) => say('node-silent', edge, undefined),
    zone({ zone, trouble, unsettled }) {
      say('dns-write', zone, trouble && `${trouble.code}: ${trouble.reason}`, trouble?.sinceMs);
      const foreign = unsettled.filter(({ kind }) => kind === 'foreign' || kind === 'held');
      const [first] = foreign;
      const more = foreign.length > 1 ? ` and ${foreign.length - 1} more` : '';
      say('dns-foreign', zone, first && `${first.name}: ${first.reason}${more}`, first?.sinceMs);
    },
    ran({ standing: { hold, compiled, rolling }, unfetched }) {
      say('publish-held', PUBLISHING, hold && `${hold.message} (${hold.hint.split('\n')[0]})`);
      say('reconcile-failing', PUBLISHING, unfetched === undefined ? undefined : wordsOf(unfetched));
      const stopped = rolling?.state.stopped;
      // A run that could not compile does not know how far settings are.
      if (compiled) say('rollout-stopped', SETTINGS, stopped && refusalOf(stopped), stopped?.atMs);
    },
    failed: (error) => say('reconcile-failing', PUBLISHING, wordsOf(error)),
    reports(reports) {
      const found = new Map<string, string>();
      const well = new Set<string>();
      for (const { node, lastSeenMs, report } of reports) {
        // Whoever fell silent before a restart and is heard after it.
        if (lastSeenMs >= startedMs && !heardSince.has(node)) say('node-silent', node, undefined);
        if (lastSeenMs >= startedMs) heardSince.add(node);
        for (const { hostname, ending: why, notAfter } of report.certificates ?? [])
          if (why === undefined) well.add(hostname);
          else found.set(hostname, `ends ${notAfter}, as ${node} says: ${why}`);
      }
      // At a start nobody knows here what was told before; later what was told is enough.
      for (const hostname of isStarting ? well : ending)
        if (!found.has(hostname)) say('certificate-ending', hostname, undefined);
      ending = new Set([...found.keys()].slice(0, CERTIFICATES_MAX));
      for (const hostname of ending) say('certificate-ending', hostname, found.get(hostname));
      isStarting &&= well.size + found.size === 0;
    },
    exposed(reports) {
      exposures = exposedOn(reports, exposures);
      const exposure = exposureOf(exposures);
      if (exposure.kind !== 'unknown') say('certificate-exposed', CERTIFICATES, exposure.reason);
    },
    backends(standings) {
      const down = downSubjects(standings);
      const ill = new Set(standings.flatMap((one) => (one.down ? serviceName(one.service) : [])));
      // At a start nobody knows here what was told before; later what was told is enough.
      const well = isFirstLook ? subjectsOf(standings) : subjectsDown;
      for (const subject of new Set([...down.keys(), ...well])) {
        const one = down.get(subject);
        // What was told of a service stays told while it is down, also when its whole origin is.
        if (one || !ill.has(subject)) say('origin-down', subject, one?.reason, one?.sinceMs);
      }
      subjectsDown = new Set([...down.keys(), ...[...subjectsDown].filter((subject) => ill.has(subject))]);
      isFirstLook &&= standings.length === 0;
    },
  };
}

/** Of one origin that are told one by one; more are one more piece of news of the origin. */
const SERVICES_TOLD_MAX = 5;

interface DownSubject {
  reason: string;
  sinceMs: number;
}

/** Each service that is down by its name, or their origin where all are, or so many. */
function downSubjects(standings: readonly BackendStanding[]): Map<string, DownSubject> {
  const found = new Map<string, DownSubject>();
  for (const [origin, all] of Map.groupBy(standings, ({ service }) => service.origin)) {
    const ill = all.flatMap(({ service, down }) =>
      down ? { name: serviceName(service), reason: down.reason, sinceMs: Date.parse(down.since) } : [],
    );
    const [first] = ill;
    if (first === undefined) continue;
    const isWhole = ill.length === all.length && all.length > 1;
    if (isWhole || ill.length > SERVICES_TOLD_MAX) {
      const reason = `${first.name}: ${first.reason}, and ${ill.length - 1} more of ${all.length}`;
      found.set(origin, { reason, sinceMs: Math.min(...ill.map(({ sinceMs }) => sinceMs)) });
    } else for (const { name, ...one } of ill) found.set(name, one);
  }
  return found;
}

function subjectsOf(standings: readonly BackendStanding[]): string[] {
  return standings.flatMap(({ service }) => [service.origin, serviceName(service)]);
}

function refusalOf({ node, error }: NonNullable<Rollout['stopped']>): string {
  return `${node} refuses them${error === undefined ? '' : `: ${error.code} (${error.stage}): ${error.detail}`}`;
}

function wordsOf(error: unknown): string {
  const { code = 'unexpected', message = String(error) } = (error ?? {}) as { code?: string; message?: string };
  return `${code}: ${message}`;
}
