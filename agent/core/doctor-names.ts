// Where names of routes lead, against the addresses of the pool. Law: a resolver that answers with private addresses is said to be a private one,
// and no conclusion is drawn about the public from it.
import { isPublicAddress } from '../../bundle/public-address.ts';
import { type Finding, ok } from '../../checks/finding.ts';

export interface ResolvedName {
  name: string;
  /** Undefined: nobody said. */
  addresses: readonly string[] | undefined;
}

export interface NamesFacts {
  names: readonly ResolvedName[];
  /** Of the pool's edges, as far as this one knows them. */
  pool: readonly string[];
  /** Edges of the pool whose addresses this one does not know. */
  unknownEdges: number;
}

export const NAMES_ASKED_MAX = 20;
const SHOWN_MAX = 3;
const WHAT = 'DNS of hostnames';

/** A few of many, spread over all of them; a wildcard is asked by a name below it. */
export function namesToAsk(hostnames: readonly string[]): string[] {
  const step = Math.max(1, hostnames.length / NAMES_ASKED_MAX);
  const count = Math.min(NAMES_ASKED_MAX, hostnames.length);
  return Array.from({ length: count }, (_, at) => hostnames[Math.floor(at * step)]!.replace(/^\*\./, 'kokoa-doctor.'));
}

export function judgeNames({ names, pool, unknownEdges }: NamesFacts): Finding[] {
  if (names.length === 0) return [];
  const known = new Set(pool);
  const of = (holds: (addresses: readonly string[]) => boolean) =>
    names.filter(({ addresses }) => addresses !== undefined && holds(addresses));
  const unanswered = names.filter(({ addresses }) => addresses === undefined);
  const absent = of((all) => all.length === 0);
  const hidden = of((all) => all.length > 0 && all.some((address) => !isPublicAddress(address) && !known.has(address)));
  const strange = of((all) => all.some((address) => !known.has(address))).filter((one) => !hidden.includes(one));
  const [elsewhere, mixed] = [
    strange.filter((one) => !leadsHere(one, known)),
    strange.filter((one) => leadsHere(one, known)),
  ];
  const wanted = `addresses of this pool: ${pool.join(', ') || 'none are known'}`;
  const doubt = unknownEdges === 0 ? '' : ` (${unknownEdges} edges of the pool are not known here, and may have them)`;
  const level = unknownEdges === 0 ? 'trouble' : 'warning';
  const asked = `of ${names.length} asked`;
  const finding = (found: string, todo: string, as: Finding['level'] = level): Finding => ({
    ...{ level: as, what: WHAT, found, expected: wanted, todo },
  });
  const all = [
    ...(elsewhere.length > 0
      ? [finding(`${elsewhere.length} ${asked} lead elsewhere: ${shown(elsewhere)}${doubt}`, RECORDS)]
      : []),
    ...(mixed.length > 0
      ? [
          finding(
            `${mixed.length} ${asked} lead here and elsewhere: ${shown(mixed)}${doubt}`,
            `${RECORDS}; a forgotten AAAA is the usual one`,
            'warning',
          ),
        ]
      : []),
    ...(absent.length > 0
      ? [finding(`${absent.length} ${asked} lead nowhere: ${shown(absent)}`, RECORDS, 'warning')]
      : []),
    ...(hidden.length > 0
      ? [
          finding(
            `a private resolver answers on this machine: ${shown(hidden)}`,
            'ask a public one: dig @9.9.9.9 NAME',
            'warning',
          ),
        ]
      : []),
    ...(unanswered.length > 0
      ? [
          finding(
            `the resolver did not answer for ${unanswered.length} ${asked}: ${shown(unanswered)}`,
            'see /etc/resolv.conf',
            'warning',
          ),
        ]
      : []),
  ];
  return all.length > 0 ? all : [ok(WHAT, `all ${names.length} asked lead to this pool`)];
}

const RECORDS = 'correct the records (kokoa dns plan on the reconciler), or wait for their TTL';

function leadsHere({ addresses = [] }: ResolvedName, known: ReadonlySet<string>): boolean {
  return addresses.some((address) => known.has(address));
}

function shown(names: readonly ResolvedName[]): string {
  const texts = names
    .slice(0, SHOWN_MAX)
    .map(({ name, addresses = [] }) =>
      addresses.length === 0 ? name : `${name} (${addresses.slice(0, SHOWN_MAX).join(', ')})`,
    );
  return `${texts.join(', ')}${names.length > SHOWN_MAX ? ` and ${names.length - SHOWN_MAX} more` : ''}`;
}
