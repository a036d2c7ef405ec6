// How a zone stands: which names are not as git wants them, since when and why. Law: a name that stays in the same trouble keeps the time since which
// it is.
import type { Foreign } from '../core/dns/zone-plan.ts';
import type { NameEnd } from './settle-names.ts';

/** Why a name is not as git wants it. */
export interface Unsettled {
  name: string;
  kind: 'foreign' | 'open' | 'refused' | 'held';
  reason: string;
  /** ms since the epoch. */
  sinceMs: number;
}

export interface ZoneStanding {
  zone: string;
  /** Names that git wanted something of at the last comparison. */
  wanted: number;
  unsettled: readonly Unsettled[];
  /** The provider does not do what it should, and since when. */
  trouble?: { code: string; reason: string; sinceMs: number };
  /** ms since the epoch, of the last whole comparison that came to its end. */
  lookedMs?: number;
}

/** What a whole comparison found. */
interface Compared {
  changes: readonly { name: string }[];
  held: readonly { name: string }[];
  foreign: readonly Foreign[];
}

export interface UnsettledNames {
  /** A name was tried. */
  note(name: string, end: NameEnd): void;
  /** Everything was compared. */
  compared(found: Compared): void;
  /** Sorted. */
  list(): Unsettled[];
}

/** `now`: ms since the epoch. */
export function createUnsettledNames(now: () => number): UnsettledNames {
  const unsettled = new Map<string, Unsettled>();

  function put(name: string, kind: Unsettled['kind'], reason: string): void {
    const before = unsettled.get(name);
    unsettled.set(name, { name, kind, reason, sinceMs: before?.kind === kind ? before.sinceMs : now() });
  }

  return {
    note(name, end) {
      if (end.kind === 'settled') unsettled.delete(name);
      else put(name, end.kind, end.reason);
    },
    compared({ changes, held, foreign }) {
      const open = new Set([...changes, ...held, ...foreign].map(({ name }) => name));
      for (const name of unsettled.keys()) if (!open.has(name)) unsettled.delete(name);
      for (const { name, reason } of foreign) put(name, 'foreign', reason);
      const why = `one of ${held.length} that wait for a person: deleted at once, or a name that holds addresses`;
      for (const { name } of held) put(name, 'held', why);
    },
    list: () => [...unsettled.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}
