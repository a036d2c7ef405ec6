// A whole zone, once, for a person who waits: compared, and settled piece by piece. Law: what was shown is what is done, but for what
// somebody else changed meanwhile, which is left for the next time.
import type { Change, ZonePlan } from '../core/dns/zone-plan.ts';
import { lookAtZone, type ZoneLook } from './look-at-zone.ts';
import { type NameEnd, PIECE_NAMES_MAX, type Piece, settleNames } from './settle-names.ts';

export interface WholeZone extends Omit<ZoneLook, 'access' | 'kept'>, Pick<Piece, 'access' | 'kept'> {}

export interface ZoneCompared {
  plan: ZonePlan;
  /** Names that are as git wants them. */
  settled: number;
  listed: boolean;
}

/** Reads alone. @throws KokoaError dns_unreachable, dns_refused, dns_credentials, dns_throttled */
export async function compareZone(zone: WholeZone): Promise<ZoneCompared> {
  const { plan, listed } = await lookAtZone(zone);
  const open = [...plan.changes, ...plan.foreign].filter(({ name }) => zone.wanted.has(name)).length;
  return { plan, settled: zone.wanted.size - open, listed };
}

export interface ZoneSettled {
  /** Names that were written. */
  written: number;
  /** What is not as it should be. */
  left: ReadonlyMap<string, NameEnd>;
  /** Why the provider did not go on. */
  stopped?: Error;
}

/** `progress`: names done of all. @throws what `compareZone` throws */
export async function settleZone(
  zone: WholeZone,
  changes: readonly Change[],
  progress: (done: number, all: number) => void,
): Promise<ZoneSettled> {
  const left = new Map<string, NameEnd>();
  let written = 0;
  // What was decided of edges may be another in a minute, so it is written first.
  const ordered = [...changes].sort((a, b) => Number(isAddress(b)) - Number(isAddress(a)));
  for (let at = 0; at < changes.length; at += PIECE_NAMES_MAX) {
    progress(at, changes.length);
    const some = ordered.slice(at, at + PIECE_NAMES_MAX);
    const wanted = new Map(some.map(({ name, after }) => [name, after]));
    const { access, kept, owner, signal, adopted } = zone;
    const piece = {
      zone: zone.zone,
      owner,
      access,
      kept,
      wanted,
      signal,
      ...(adopted && { adopted }),
      deletesAddresses: true,
    };
    const { names, stopped } = await settleNames(piece);
    for (const [name, end] of names) {
      if (end.kind !== 'settled') left.set(name, end);
      else if (end.changed) written += 1;
    }
    if (stopped) return { written, left, stopped };
  }
  progress(changes.length, changes.length);
  return { written, left };
}

/** A person saw the plan: deletions of such names are in it only where they agreed. */
function isAddress({ verb, after }: Change): boolean {
  return verb !== 'delete' && after.some(({ type }) => type === 'A' || type === 'AAAA');
}
