// The one page that is looked at first: what is amiss, worst first, and what to do about it. Pure; nothing in it is trusted.
import { backendNotes, certificateNotes, routeNotes, rowOf, rowsOf, said, unsettledNote } from './host-tables.ts';
import { wrap } from './problem-text.ts';

const LINES_MAX = 25;

type Row = Readonly<Record<string, unknown>>;

/** What the reconciler answered; a list is undefined where whoever asks may not read it. */
export interface Seen {
  ready: Row;
  edges?: unknown;
  origins?: unknown;
  rollout?: unknown;
  routes: unknown;
  zones: unknown;
  certificates: unknown;
  /** ms since the epoch. */
  nowMs: number;
}

/** A node that is well asks or reports at least once a minute. */
const SILENT_MS = 90_000;

export interface StatusPage {
  text: string;
  isWell: boolean;
}

export function fleetPage(seen: Seen): StatusPage {
  const troubles = [
    ...readiness(seen.ready),
    ...rowsOf(seen.edges).flatMap((one) => edgeTroubles(one, seen.nowMs)),
    ...rowsOf(seen.origins).flatMap((one) => originTroubles(one, seen.nowMs)),
    ...rowsOf(seen.zones).flatMap(zoneTroubles),
    ...rowsOf(seen.certificates).flatMap((one) => certificateNotes(one).map((note) => `${said(one.name)}: ${note}`)),
    ...rowsOf(seen.routes).flatMap((one) =>
      // Of whoever may read origins, they say it, each service once.
      routeNotes({ ...one, dns: undefined, ...(seen.origins !== undefined && { backendTrouble: undefined }) }).map(
        (note) => `${said(one.hostname)}: ${note}`,
      ),
    ),
    ...stopped(seen.rollout),
  ];
  if (troubles.length === 0) return { text: 'all is well\n', isWell: true };
  const lines: string[] = [];
  for (const [at, trouble] of troubles.entries()) {
    const rows = wrap(trouble, '', '  ');
    if (lines.length + rows.length > LINES_MAX - 1) {
      lines.push(`and ${troubles.length - at} more: kokoa get routes, dns, certs`);
      break;
    }
    lines.push(...rows);
  }
  return { text: `${lines.slice(0, LINES_MAX).join('\n')}\n`, isWell: false };
}

/** Undefined: nothing has that name. */
export function thingPage(seen: Seen, name: string): StatusPage | undefined {
  const route = rowsOf(seen.routes).find(({ hostname }) => hostname === name);
  if (route) return routePage(route, seen.zones);
  const edge = rowsOf(seen.edges).find((one) => one.name === name);
  if (edge) return nodePage(edge, 'edge', edgeTroubles(edge, seen.nowMs));
  const origin = rowsOf(seen.origins).find((one) => one.name === name);
  return origin && nodePage(origin, 'origin', originTroubles(origin, seen.nowMs));
}

function routePage(route: Row, zones: unknown): StatusPage {
  const { served, certificate, dns } = {
    ...{ served: rowOf(route.served), certificate: rowOf(route.certificate), dns: rowOf(route.dns) },
  };
  const notes = [...routeNotes(route), ...certificateNotes(certificate)];
  const isServed = Number(served.by) > 0 && Number(served.by) === Number(served.of);
  const target = route.redirect ?? `${said(route.origin)}:${said(route.port)}`;
  const lines = [
    `hostname     ${said(route.hostname)}`,
    `in git       ${said(route.file ?? '-')}, to ${said(target)}, pool ${said(route.pool)}`,
    `served       by ${said(served.by ?? 0)} of ${said(served.of ?? 0)} edges`,
    `certificate  ${certificate.notAfter === undefined ? 'none is reported' : `until ${said(certificate.notAfter)}`}`,
    `dns          ${dns.name === undefined ? zoneWords(route.hostname, zones) : said(dns.kind)}`,
    ...rowsOf(route.answers).map(
      ({ edge, status, failure, since }) =>
        `answer       ${said(edge ?? 'an edge')}: ${said(failure ?? status)} since ${said(since)}`,
    ),
  ];
  return page(lines, notes, notes.length === 0 && isServed, 'docs/troubleshooting.md');
}

function nodePage(node: Row, kind: string, troubles: readonly string[]): StatusPage {
  const votes = rowsOf(rowOf(node.health).votes);
  const dns = rowOf(node.dns);
  const lines = [
    `${kind.padEnd(11)}  ${said(node.name)}`,
    `in git       ${said(node.state)}`,
    `reported     ${said(node.reported ?? 'never')} since ${said(node.reportedSince ?? '-')}`,
    `seen         ${said(node.lastSeen ?? 'never')}`,
    ...(dns.in === undefined ? [] : [`in DNS       ${dns.in === true ? 'yes' : 'no'} since ${said(dns.since)}`]),
    ...votes.map(
      ({ by, up, since, reason }) =>
        `view         ${said(by)}: ${up === true ? 'up' : 'down'} since ${said(since)}${reason === undefined ? '' : `: ${said(reason)}`}`,
    ),
  ];
  return page(lines, troubles, troubles.length === 0, `kokoa-agent doctor on ${said(node.name)}`);
}

function page(lines: readonly string[], notes: readonly string[], isWell: boolean, next: string): StatusPage {
  const all = [...lines, ...notes.map((note) => `trouble      ${note}`), ...(isWell ? [] : [`next         ${next}`])];
  return { text: `${all.flatMap((line) => wrapLabelled(line)).join('\n')}\n`, isWell };
}

/** `wrap` takes several spaces for one word each; the label keeps its column. */
function wrapLabelled(line: string): string[] {
  const [label, rest] = [line.slice(0, 13), line.slice(13)];
  const [first = '', ...others] = wrap(rest, ' '.repeat(13), ' '.repeat(13));
  return [`${label}${first.slice(13)}`, ...others];
}

function readiness({ status, held, why }: Row): string[] {
  return [
    ...(status === 'ready' ? [] : [`the reconciler is not ready: ${said(why ?? 'see its log')}`]),
    ...(held === true ? ['the newest commit is held back: the log says why, kokoa plan shows it'] : []),
  ];
}

/** Since when, in words; undefined: it was heard lately. */
function silence({ reported, silent, lastSeen }: Row, nowMs: number): string | undefined {
  const seenMs = Date.parse(String(lastSeen));
  const isOld = reported === undefined || silent === true || !(nowMs - seenMs < SILENT_MS);
  return isOld ? `silent since ${said(lastSeen ?? 'ever')}` : undefined;
}

function edgeTroubles(node: Row, nowMs: number): string[] {
  const { name, state, health, dns, reported } = node;
  if (state !== 'active') return [];
  const { state: seenAs, votes } = rowOf(health);
  const against = rowsOf(votes).filter(({ up }) => up === false);
  const views = against.map(({ by, reason }) => `${said(by)} (${said(reason ?? 'no reason')})`).slice(0, 5);
  const { in: inDns, reason, since } = rowOf(dns);
  const quiet = silence(node, nowMs);
  return [
    ...(seenAs === 'down' ? [`edge ${said(name)} is down: ${views.join(', ')}`] : []),
    ...(inDns === false
      ? [`edge ${said(name)} is not in DNS since ${said(since)}: ${said(reason ?? 'no reason')}`]
      : []),
    ...(inDns === true && reason !== undefined ? [`edge ${said(name)} stays in DNS: ${said(reason)}`] : []),
    ...(quiet ? [`edge ${said(name)} is ${quiet}`] : []),
    ...(reported !== undefined && reported !== 'applied' ? [`edge ${said(name)} is ${said(reported)}`] : []),
  ];
}

function originTroubles(node: Row, nowMs: number): string[] {
  const { name, state, reported } = node;
  if (state !== 'active') return [];
  const quiet = silence(node, nowMs);
  return [
    ...(quiet ? [`origin ${said(name)} is ${quiet}`] : []),
    ...(quiet || reported === 'applied' ? [] : [`origin ${said(name)} is ${said(reported)}`]),
    ...backendNotes(node.backends),
  ];
}

/** Of a hostname at which nothing is amiss by itself. */
function zoneWords(hostname: unknown, zones: unknown): string {
  const name = String(hostname).replace(/^\*\./, '');
  const zone = rowsOf(zones).find((one) => name === one.zone || name.endsWith(`.${String(one.zone)}`));
  if (zone === undefined) return 'people set it: no zone that the reconciler writes has it';
  const { code } = rowOf(zone.trouble);
  if (code !== undefined) return `zone ${said(zone.zone)} cannot be written: ${said(code)}`;
  return zone.lookedAt === undefined ? 'not compared yet' : 'as it should be';
}

function zoneTroubles({ zone, trouble, unsettled }: Row): string[] {
  const { code, reason, since } = rowOf(trouble);
  return [
    ...(code === undefined ? [] : [`zone ${said(zone)} since ${said(since)}: ${said(code)}: ${said(reason)}`]),
    ...rowsOf(unsettled).map((one) => `DNS: ${unsettledNote(one)}`),
  ];
}

function stopped(rollout: unknown): string[] {
  return rowOf(rollout).state === 'stopped' ? ['the rollout has stopped: kokoa get rollout'] : [];
}
