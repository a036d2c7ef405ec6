// What nodes said of themselves, in memory and in the store. Heartbeats are written at most once a second per node unless what they
// say has changed.
import type { StatusReport } from '../../bundle/api.ts';
import type { BoundEnrolment, NodeReport, Store } from '../ports/store.ts';
import { createRefusedAnnouncements, type RefusedAnnouncements } from './refused-announcements.ts';

export interface FleetReports {
  enrolment(node: string): BoundEnrolment | undefined;
  /** Of all nodes that ever announced themselves. */
  enrolments(): Iterable<BoundEnrolment>;
  bind(bound: BoundEnrolment): Promise<void>;
  /** The newest report; only those of the bound machine count. */
  report(node: string): NodeReport | undefined;
  reports(): Iterable<NodeReport>;
  save(node: string, report: StatusReport, nowMs: number): Promise<void>;
  /** The node asked for something: it lives. */
  seen(node: string, nowMs: number): void;
  /** ms since the epoch; an enrolled node counts as seen when this process started. */
  lastSeenMs(node: string): number | undefined;
  /** The largest number of a report of the machine that is bound now; 0: none was numbered. */
  newest(node: string): number;
  /** A report with that number counts: none with it, or a smaller one, does from now on. */
  hear(node: string, sequence: number): void;
  /** Announcements under the nodes' tokens that were refused. */
  readonly refused: RefusedAnnouncements;
}

const WRITE_EVERY_MS = 1000;

interface Kept extends NodeReport {
  /** The report without what changes by itself. */
  said: string;
  writtenMs: number;
}

/** Reads what is known. @throws KokoaError when the store fails */
export async function openFleetReports(
  store: Pick<Store, 'enrolments' | 'reports' | 'saveEnrolment' | 'saveReport'>,
  startedMs: number,
): Promise<FleetReports> {
  const enrolments = new Map((await store.enrolments()).map((bound) => [bound.node, bound]));
  const reports = new Map<string, Kept>();
  for (const known of await store.reports())
    reports.set(known.node, { ...known, said: said(known.report), writtenMs: known.lastSeenMs });
  const seen = new Map([...enrolments.keys()].map((node) => [node, startedMs]));
  const heard = new Map(
    [...enrolments.values()].map((bound) => [bound.node, storedNewest(bound, reports.get(bound.node))]),
  );

  return {
    enrolment: (node) => enrolments.get(node),
    enrolments: () => enrolments.values(),
    async bind(bound) {
      await store.saveEnrolment(bound);
      enrolments.set(bound.node, bound);
    },
    report: (node) => reports.get(node),
    reports: () => reports.values(),
    async save(node, report, nowMs) {
      seen.set(node, nowMs);
      const before = reports.get(node);
      const kept: Kept = { node, lastSeenMs: nowMs, report, said: said(report), writtenMs: nowMs };
      const write = before?.said !== kept.said || nowMs - before.writtenMs >= WRITE_EVERY_MS;
      reports.set(node, write ? kept : { ...kept, writtenMs: before.writtenMs });
      if (write) await store.saveReport({ node, lastSeenMs: nowMs, report });
    },
    seen: (node, nowMs) => void seen.set(node, nowMs),
    lastSeenMs: (node) => seen.get(node) ?? reports.get(node)?.lastSeenMs,
    newest: (node) => heard.get(node) ?? 0,
    hear: (node, sequence) => void heard.set(node, sequence),
    refused: createRefusedAnnouncements(),
  };
}

/** A report of the machine that was bound before says nothing of the one that is bound now. */
function storedNewest({ sequence = 0, enrolment }: BoundEnrolment, kept: NodeReport | undefined): number {
  const isSame = kept?.report.enrolment.signingKey === enrolment.signingKey;
  return Math.max(sequence, (isSame && kept?.report.sequence) || 0);
}

function said({ tunnels: _ages, sequence: _number, ...report }: StatusReport): string {
  return JSON.stringify(report);
}
