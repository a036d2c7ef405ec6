// Which certificates are still to be replaced because a compromised edge had their key, of what the edges that stay report. Law: who says nothing of
// its certificates, such as one that has just started, has not replaced them.

/** Node → hostname → why it is exposed; every node in it said how its certificates are. */
export type Exposures = ReadonlyMap<string, ReadonlyMap<string, string>>;

interface Said {
  node: string;
  report: { certificates?: readonly { hostname: string; exposed?: string }[] };
}

/** `unknown`: nobody said anything yet. */
export type Exposure = { kind: 'unknown' } | { kind: 'none'; reason?: undefined } | { kind: 'some'; reason: string };

/** `reports`: of nodes that count; any other is forgotten. */
export function exposedOn(reports: Iterable<Said>, before: Exposures): Exposures {
  const after = new Map<string, ReadonlyMap<string, string>>();
  for (const { node, report } of reports) {
    const said = report.certificates === undefined ? before.get(node) : exposedIn(report.certificates);
    if (said !== undefined) after.set(node, said);
  }
  return after;
}

/** A certificate that several edges hold counts once. The reason is foreign. */
export function exposureOf(exposures: Exposures): Exposure {
  if (exposures.size === 0) return { kind: 'unknown' };
  const all = [...exposures].flatMap(([node, found]) => [...found].map(([hostname, why]) => ({ node, hostname, why })));
  const [first] = all.sort((a, b) => compare(a.hostname, b.hostname) || compare(a.node, b.node));
  if (first === undefined) return { kind: 'none' };
  const more = new Set(all.map(({ hostname }) => hostname)).size - 1;
  const names = `${first.hostname}${more > 0 ? ` and ${more} more` : ''}`;
  return { kind: 'some', reason: `${names}, as ${first.node} says: ${first.why}` };
}

function exposedIn(certificates: NonNullable<Said['report']['certificates']>): ReadonlyMap<string, string> {
  return new Map(
    certificates.flatMap(({ hostname, exposed }) => (exposed === undefined ? [] : [[hostname, exposed] as const])),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
