// Whether the public sees what a zone holds, and whether people have set what they have to: judged from answers. Pure.
import { type Finding, ok } from '../../checks/finding.ts';
import type { NameRecords, ZoneChange } from '../ports/dns-zone.ts';

export interface NameOfPool {
  hostname: string;
  ttl: number;
  /** In the zone, as its provider says. */
  held: NameRecords | undefined;
  /** In public. `unknown`: nobody said. */
  seen: NameRecords | undefined | 'unknown';
}

const TTL_LONG = 300;
const SHOWN_MAX = 3;

/** `ttlMin`: the shortest life that the provider gives a record. */
export function judgePoolName({ hostname, ttl, held, seen }: NameOfPool, ttlMin: number): Finding[] {
  const what = `the pool’s name ${hostname}`;
  const [there, told] = [valuesOf(held), seen === 'unknown' ? undefined : valuesOf(seen)];
  return [
    ...(ttl < ttlMin
      ? [
          {
            level: 'warning' as const,
            what,
            found: `its provider keeps records for ${ttlMin} s or more, and ttl is ${ttl}`,
            todo: `write ttl: ${ttlMin} in kokoa.yaml; a failover takes that long`,
          },
        ]
      : []),
    ...(ttl > TTL_LONG
      ? [
          {
            level: 'warning' as const,
            what,
            found: `ttl is ${ttl} s`,
            expected: `${TTL_LONG} s or less`,
            todo: 'visitors are sent to a dead edge for as long: write a shorter ttl',
          },
        ]
      : []),
    ...judgePublic(what, there, told),
  ];
}

/** Of one zone that people write: `missing` is what the public does not see as it should be, of `asked` names. */
export function judgeByHand(zone: string, asked: number, missing: readonly ZoneChange[]): Finding {
  const what = `${zone}, written by people`;
  if (missing.length === 0) return ok(what, `${asked} names asked in public, all as they should be`);
  const names = missing.flat().map(({ name }) => name);
  const found = `${names.length} of ${asked} names lead elsewhere or nowhere: ${shown(names)}`;
  return { level: 'warning', what, found, todo: 'kokoa dns plan prints the lines to set there' };
}

function judgePublic(what: string, there: readonly string[], told: readonly string[] | undefined): Finding[] {
  if (there.length === 0)
    return [
      {
        level: 'warning',
        what,
        found: 'the zone holds no address for it',
        expected: 'the addresses of edges',
        todo: 'kokoa dns plan; do edges report? kokoa get edges',
      },
    ];
  if (told === undefined)
    return [
      {
        level: 'warning',
        what,
        found: 'the resolver of this machine did not answer',
        expected: shown(there),
        todo: 'see /etc/resolv.conf',
      },
    ];
  if (told.join() === there.join()) return [ok(what, `in public as in the zone: ${shown(there)}`)];
  return [
    {
      ...{ level: told.length === 0 ? 'trouble' : 'warning', what, expected: `what the zone holds: ${shown(there)}` },
      found: `in public ${told.length === 0 ? 'it does not exist' : `it is ${shown(told)}`}`,
      todo: 'delegate the zone to the servers that are written (NS at its registrar); after a change, wait for the TTL',
    },
  ];
}

function valuesOf(records: NameRecords | undefined): string[] {
  const sets = records?.sets ?? [];
  return sets.flatMap(({ type, values }) => (type === 'TXT' ? [] : values.map((value) => value.toLowerCase()))).sort();
}

function shown(texts: readonly string[]): string {
  return `${texts.slice(0, SHOWN_MAX).join(', ')}${texts.length > SHOWN_MAX ? ` and ${texts.length - SHOWN_MAX} more` : ''}`;
}
