// Routes, zones and certificates as tables for people: one row each, and below it what somebody should look at. Pure; nothing in it is trusted.
import { printable, wrap } from './problem-text.ts';

const INDENT = '  ';
/** More are counted: nobody reads them, and -o json has them all. */
const ROWS_MAX = 10_000;
const NOTES_MAX = 5;

type Row = Readonly<Record<string, unknown>>;

/** `routes` of `GET /api/v1/routes`. */
export function routeTable(routes: unknown): string {
  return table('routes', ['NAME', 'POOL', 'SERVED', 'CERTIFICATE'], rowsOf(routes), (route) => {
    const { served, certificate } = { served: rowOf(route.served), certificate: rowOf(route.certificate) };
    const name = route.hostname ?? `${said(route.protocol)}/${said(route.publicPort)}`;
    const count = served.of === undefined ? '-' : `${said(served.by)} of ${said(served.of)}`;
    return {
      cells: [name, route.pool ?? '-', count, day(certificate.notAfter)],
      notes: [...routeNotes(route), ...certificateNotes(certificate)],
    };
  });
}

/** `zones` of `GET /api/v1/dns`. */
export function dnsTable(zones: unknown): string {
  return table('zones are written', ['ZONE', 'PROVIDER', 'NAMES', 'LOOKED AT'], rowsOf(zones), (zone) => {
    const trouble = rowOf(zone.trouble);
    const unsettled = rowsOf(zone.unsettled).map(unsettledNote);
    const left = Number(zone.leftOff) > 0 ? [`and ${said(zone.leftOff)} more names`] : [];
    const failing =
      trouble.code === undefined
        ? []
        : [`trouble since ${said(trouble.since)}: ${said(trouble.code)}: ${said(trouble.reason)}`];
    return {
      cells: [zone.zone, zone.provider ?? '-', zone.wanted ?? '-', zone.lookedAt ?? 'not yet'],
      notes: [...failing, ...unsettled, ...left],
    };
  });
}

/** `certificates` of `GET /api/v1/certificates`. */
export function certificateTable(certificates: unknown): string {
  return table('certificates', ['NAME', 'ENDS'], rowsOf(certificates), (one) => ({
    cells: [one.name, day(one.notAfter)],
    notes: certificateNotes(one),
  }));
}

export function routeNotes(route: Row): string[] {
  const failing = rowsOf(route.answers).filter(({ failure, status }) => failure !== undefined || Number(status) >= 500);
  const answers = failing
    .slice(0, NOTES_MAX)
    .map(
      ({ edge, failure, status, since }) =>
        `${said(edge ?? 'an edge')} gets ${said(failure ?? status)} since ${said(since)}`,
    );
  const left = rowsOf(route.quarantined)
    .slice(0, NOTES_MAX)
    .map(({ edge, reason }) => `not served by ${said(edge ?? 'an edge')}: ${said(reason)}`);
  const dns = rowOf(route.dns);
  return [
    ...left,
    ...answers,
    ...backendNotes(route.backendTrouble),
    ...(dns.name === undefined ? [] : [`DNS: ${unsettledNote(dns)}`]),
  ];
}

/** `backends` of an origin, or `backendTrouble` of a route. */
export function backendNotes(backends: unknown): string[] {
  return rowsOf(backends)
    .slice(0, NOTES_MAX)
    .map(({ origin, host, port, views }) => {
      const service =
        host === undefined ? `${said(origin)}:${said(port)}` : `${said(origin)} ${said(host)}:${said(port)}`;
      const seen = rowsOf(views);
      const [first = {}] = seen;
      const who =
        first.edge === undefined
          ? `${seen.length} edges`
          : seen
              .slice(0, NOTES_MAX)
              .map(({ edge }) => said(edge))
              .join(', ');
      const others = seen.every(({ withdrawn }) => withdrawn === true) ? '; visitors are sent to others' : '';
      return `backend ${service} is down for ${who} since ${said(first.since)}: ${said(first.reason)}${others}`;
    });
}

export function certificateNotes({ ending, exposed, missing }: Row): string[] {
  const lacking = Array.isArray(missing) ? missing.map(said) : [];
  return [
    ...(ending === undefined ? [] : [`ends soon: ${said(ending)}`]),
    ...(exposed === undefined ? [] : [`exposed: ${said(exposed)}`]),
    ...(lacking.length === 0 ? [] : [`no certificate yet on ${lacking.join(', ')}`]),
  ];
}

export function unsettledNote({ name, kind, reason, since }: Row): string {
  return `${said(name)}: ${said(kind)} since ${said(since)}: ${said(reason)}`;
}

export function rowsOf(value: unknown): Row[] {
  return Array.isArray(value) ? value.map(rowOf) : [];
}

export function rowOf(value: unknown): Row {
  return typeof value === 'object' && value !== null ? (value as Row) : {};
}

export function said(value: unknown): string {
  return printable(String(value));
}

function day(value: unknown): string {
  return value === undefined ? '-' : said(value).slice(0, 10);
}

function table(
  kind: string,
  heads: readonly string[],
  rows: readonly Row[],
  make: (row: Row) => { cells: readonly unknown[]; notes: readonly string[] },
): string {
  if (rows.length === 0) return `no ${kind}\n`;
  const made = rows.slice(0, ROWS_MAX).map(make);
  const cells = made.map((one) => one.cells.map(said));
  const widths = heads.map((head, at) => cells.reduce((width, row) => Math.max(width, row[at]!.length), head.length));
  const line = (row: readonly string[]) =>
    row
      .map((cell, at) => cell.padEnd(widths[at]!))
      .join(INDENT)
      .trimEnd();
  const lines = made.flatMap(({ notes }, at) => [
    line(cells[at]!),
    ...notes.flatMap((note) => wrap(note, INDENT, INDENT)),
  ]);
  const more = rows.length > ROWS_MAX ? [`and ${rows.length - ROWS_MAX} more: see -o json`] : [];
  return `${[line(heads), ...lines, ...more].join('\n')}\n`;
}
