// What happens in the reconciler, as operators are told of it. Law: it only tells; what is as it was is told again at no cost, so that the
// state of everything may be told at a start.

import type { Transition } from './core/health/pool-members.ts';
import { type NotifyKind, notifyEvent } from './core/notify/event.ts';
import type { ZoneStanding } from './dns/zone-worker.ts';
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
}

/** Of all that there is: subjects that change nothing of it. */
const PUBLISHING = 'publishing';
/** Certificates that end soon and are told one by one. */
const CERTIFICATES_MAX = 100;

export function createOperatorsTold({ tell }: Pick<Notify, 'tell'>, now: () => number): OperatorsTold {
  const ending = new Set<string>();

  function say(kind: NotifyKind, subject: string, reason: string | undefined, sinceMs = now()): void {
    const at = new Date(sinceMs).toISOString();
    const state = reason === undefined ? 'well' : 'trouble';
    tell(notifyEvent({ kind, subject, at, state, reason: reason ?? '' }));
  }

  function memberOf({ edge, member }: EdgeStanding): void {
    if (member === undefined) return;
    const { inDns, reason, sinceMs } = member;
    say('edge-withdrawn', edge, inDns ? undefined : reason, sinceMs);
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
    ran({ standing: { hold }, unfetched }) {
      say('publish-held', PUBLISHING, hold && `${hold.message} (${hold.hint.split('\n')[0]})`);
      say('reconcile-failing', PUBLISHING, unfetched === undefined ? undefined : wordsOf(unfetched));
    },
    failed: (error) => say('reconcile-failing', PUBLISHING, wordsOf(error)),
    reports(reports) {
      const found = new Map<string, string>();
      for (const { node, report } of reports)
        for (const { hostname, ending: why, notAfter } of report.certificates ?? [])
          if (why !== undefined && found.size < CERTIFICATES_MAX)
            found.set(hostname, `ends ${notAfter}, as ${node} says: ${why}`);
      for (const [hostname, reason] of found) say('certificate-ending', hostname, reason);
      for (const hostname of ending) if (!found.has(hostname)) say('certificate-ending', hostname, undefined);
      ending.clear();
      for (const hostname of found.keys()) ending.add(hostname);
    },
  };
}

function wordsOf(error: unknown): string {
  const { code = 'unexpected', message = String(error) } = (error ?? {}) as { code?: string; message?: string };
  return `${code}: ${message}`;
}
