// Which hostnames an edge asks its own web server for, as a visitor would, and when. Laws: only names that a change touched are asked,
// VISITS_MAX at most; a good answer is final until the route changes; a bad one is asked again a few times and then left.
import { ANSWERS_MAX, type VisitorAnswer } from '../../bundle/api.ts';
import { sha256Hex } from '../../bundle/canonical.ts';
import { isWildcard } from '../../bundle/certificate-name.ts';
import type { Chunk, WireRoute } from '../../bundle/config.ts';
import { areServedAlike, servedAs } from './served-as.ts';

export const VISITS_MAX = ANSWERS_MAX;
/** Asked at once. */
export const VISITS_AT_ONCE = 8;
/** After a bad answer, one after the other; then it stays as it is. */
const AGAIN_SECONDS: readonly number[] = [1, 2, 5, 10, 30, ...Array(10).fill(60)];
/** How often a missing certificate is looked for. */
const CERTIFICATE_LOOK_MS = 500;
const NO_CERTIFICATE = 'no_certificate: this edge does not hold its certificate yet';

/** A hostname that a change touched. Times in ms are those of one clock that never goes back. */
export interface Visit {
  readonly hostname: string;
  /** sha256 of all that decides its answer. */
  readonly route: string;
  /** Absent: nobody has asked yet. */
  readonly answer?: VisitorAnswer;
  /** Bad answers in a row. */
  readonly tries: number;
  /** Not to be asked before; absent: not to be asked any more. */
  readonly dueMs?: number;
}

/** What one question brought. `failure` as `VisitorAnswer` has it. */
export type Visited = { status: number } | { failure: string };

export interface VisitSituation {
  /** The newest change first. */
  visits: readonly Visit[];
  /** Hostnames that are being asked. */
  inFlight: ReadonlySet<string>;
  /** True while this edge holds a certificate that is valid now; undefined: it has not looked yet. */
  holds(hostname: string): boolean | undefined;
  nowMs: number;
}

export interface VisitPlan {
  /** Ask these now. */
  ask: Visit[];
  /** Those whose visitors are refused for want of a certificate, which is news. */
  refused: Visit[];
  /** When the plan may be another without anything happening. */
  wakeAtMs?: number;
}

export function planVisits({ visits, inFlight, holds, nowMs }: VisitSituation): VisitPlan {
  const ask: Visit[] = [];
  const refused: Visit[] = [];
  const wakes: number[] = [];
  for (const visit of visits) {
    const { hostname, dueMs } = visit;
    if (dueMs === undefined || inFlight.has(hostname)) continue;
    const held = holds(hostname);
    if (!held) wakes.push(nowMs + CERTIFICATE_LOOK_MS);
    if (held === false && visit.answer?.failure !== NO_CERTIFICATE) refused.push(visit);
    if (held && dueMs > nowMs) wakes.push(dueMs);
    if (held && dueMs <= nowMs && inFlight.size + ask.length < VISITS_AT_ONCE) ask.push(visit);
  }
  return { ask, refused, ...(wakes.length > 0 && { wakeAtMs: Math.min(...wakes) }) };
}

/** Learns an answer; one that says the same as before keeps its `since`. `date`: ISO 8601. */
export function answered(visit: Visit, visited: Visited, { nowMs, date }: { nowMs: number; date: string }): Visit {
  const { hostname, route } = visit;
  const answer = answerOf(visit, visited, date);
  if (isFinal(answer)) return { hostname, route, answer, tries: 0 };
  const seconds = AGAIN_SECONDS[visit.tries];
  return { hostname, route, answer, tries: visit.tries + 1, ...(seconds && { dueMs: nowMs + seconds * 1000 }) };
}

/** Its visitors are refused until its certificate comes; nobody need be asked to know. */
export function withoutCertificate(visit: Visit, date: string): Visit {
  return { ...visit, tries: 0, answer: answerOf(visit, { failure: NO_CERTIFICATE }, date) };
}

function answerOf({ hostname, answer }: Visit, visited: Visited, date: string): VisitorAnswer {
  const same = 'status' in visited ? answer?.status === visited.status : answer?.failure === visited.failure;
  return { hostname, ...visited, since: answer && same ? answer.since : date };
}

/** The visits after a change from `before` to `wanted`: what it added or changed first, sorted; what it removed is forgotten. */
export function followed(
  visits: readonly Visit[],
  before: readonly Chunk[],
  wanted: readonly Chunk[],
  nowMs: number,
): Visit[] {
  // The same chunk is the same object, so that a change costs as much as it changes.
  const kept = new Set(wanted);
  const same = new Set(before.filter((chunk) => kept.has(chunk)));
  const old = new Map(routesOf(before.filter((chunk) => !same.has(chunk))).map((route) => [route.hostname, route]));
  const now = routesOf(wanted.filter((chunk) => !same.has(chunk))).filter(isVisited);
  const touched = now.filter((route) => {
    const other = old.get(route.hostname);
    return !other || !areServedAlike(other, route);
  });
  for (const { hostname } of now) old.delete(hostname);
  const replaced = new Set([...old.keys(), ...touched.map(({ hostname }) => hostname)]);
  const first = touched.sort((a, b) => (a.hostname < b.hostname ? -1 : 1)).slice(0, VISITS_MAX);
  const rest = visits.filter(({ hostname }) => !replaced.has(hostname));
  return [...first.map((route) => unasked(route, nowMs)), ...rest].slice(0, VISITS_MAX);
}

/** What an earlier run of the agent remembered, against what it serves now: an answer to another route counts for nothing. */
export function resumed(
  kept: readonly Pick<Visit, 'hostname' | 'route' | 'answer'>[],
  chunks: readonly Chunk[],
  nowMs: number,
): Visit[] {
  if (kept.length === 0) return [];
  const names = new Set(kept.map(({ hostname }) => hostname));
  const routes = new Map(
    routesOf(chunks)
      .filter(({ hostname }) => names.has(hostname))
      .map((route) => [route.hostname, route]),
  );
  return kept.slice(0, VISITS_MAX).flatMap(({ hostname, route: hash, answer }) => {
    const route = routes.get(hostname);
    if (!route || !isVisited(route)) return [];
    const fresh = unasked(route, nowMs);
    if (!answer || fresh.route !== hash) return [fresh];
    const { dueMs: _, ...final } = fresh;
    return [{ ...(isFinal(answer) ? final : fresh), answer }];
  });
}

function unasked(route: WireRoute, nowMs: number): Visit {
  return { hostname: route.hostname, route: sha256Hex(servedAs(route)), tries: 0, dueMs: nowMs };
}

/** 5xx may be over in a moment: a backend that has just been opened, or starts. */
function isFinal({ status }: Pick<VisitorAnswer, 'status'>): boolean {
  return status !== undefined && status < 500;
}

/** A wildcard is no name to ask for, and what passes through is not the edge's to answer. */
function isVisited({ hostname, protocol }: WireRoute): boolean {
  return !isWildcard(hostname) && protocol !== 'tls';
}

function routesOf(chunks: readonly Chunk[]): WireRoute[] {
  return chunks.flatMap(({ routes }) => routes);
}
