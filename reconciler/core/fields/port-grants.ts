// `teams[].ports`: the public ports that a team may take. Law: no grant covers a port by which an edge itself lives.
import { coversPort, type PortRange, RESERVED_PORTS, readPortRange } from '../public-port.ts';
import { type FieldCheck, type FieldPlace, type FieldProblem, listOf, meantOr, one, refuse, shown } from './field.ts';

/** Kept ports that a message names, and ranges that a hint writes out. */
const LISTED_MAX = 3;

/** A port as a number or as text, or a range. */
type PortGrant = string | number;

/** `tunnelPorts`: UDP port → an edge whose tunnels come in there. */
export function portGrants(tunnelPorts: ReadonlyMap<number, string>): FieldCheck<readonly PortGrant[]> {
  const kept = new Map([
    ...[...tunnelPorts].map(([port, edge]) => [port, `${port} (the tunnels of ${edge})`] as const),
    ...RESERVED_PORTS.map((port) => [port, `${port}`] as const),
  ]);
  return listOf(
    one<PortGrant>((typed, place) => {
      const text = `${typed}`;
      const range = readPortRange(text);
      return range === undefined ? judgeUnreadable(text, place) : judgeKept(text, range, kept, place);
    }),
    judgeOverlap,
  );
}

function judgeUnreadable(typed: string, place: FieldPlace): FieldProblem[] {
  const turned = typed.split('-').reverse().join('-');
  const meant = readPortRange(turned) === undefined ? undefined : turned;
  const message = `found ${shown(typed)}, expected a port or a range between 1 and 65535, the lower one first`;
  return [refuse(place, 'KK349', message, meantOr(meant, 'write it such as 30000-30100'))];
}

function judgeKept(
  typed: string,
  range: PortRange,
  kept: ReadonlyMap<number, string>,
  place: FieldPlace,
): FieldProblem[] {
  const inside = [...kept.keys()].filter((port) => coversPort(range, port)).sort((a, b) => a - b);
  if (inside.length === 0) return [];
  const more = inside.length > LISTED_MAX ? ` and ${inside.length - LISTED_MAX} more` : '';
  const names = inside.slice(0, LISTED_MAX).map((port) => kept.get(port));
  const message = `found ${shown(typed)}, expected no port that an edge needs itself: ${names.join(', ')}${more}`;
  const around = rangesAround(range, inside);
  const hint =
    around.length === 0 || around.length > LISTED_MAX + 1 ? 'choose other ports' : `write ${around.join(', ')}`;
  return [refuse(place, 'KK350', message, hint)];
}

/** What is left of a range without some ports of it, which are ascending. */
function rangesAround({ from, to }: PortRange, ports: readonly number[]): string[] {
  const ends = [...ports.map((port) => port - 1), to];
  return [from, ...ports.map((port) => port + 1)].flatMap((start, index) => {
    const end = ends[index]!;
    return start > end ? [] : [start === end ? `${start}` : `${start}-${end}`];
  });
}

function judgeOverlap(list: readonly PortGrant[], place: FieldPlace): FieldProblem[] {
  const ranges = list.map((typed) => readPortRange(`${typed}`));
  return ranges.flatMap((range, index) => {
    const before = ranges.slice(0, index).findIndex((other) => other && range && overlap(other, range));
    if (before === -1) return [];
    const message = `found entry ${index + 1} with ports of entry ${before + 1}, expected each once`;
    return [refuse(place, 'KK118', message, 'write one range for both', `/${index}`)];
  });
}

function overlap(a: PortRange, b: PortRange): boolean {
  return a.from <= b.to && b.from <= a.to;
}
