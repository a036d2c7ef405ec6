// A zone in memory that behaves like a provider's, and can be told to misbehave. For tests of whatever writes a zone.
import { KokoaError } from '../../bundle/error.ts';
import { canonicalRecordName, fits, nameRecords, typesOf } from '../../reconciler/core/dns/record-set.ts';
import type {
  ChangeOutcome,
  NameChange,
  NameRecords,
  ZoneAccess,
  ZoneChange,
  ZoneRecords,
} from '../../reconciler/ports/dns-zone.ts';

/** What goes wrong, until it is taken back. */
export interface ZoneFaults {
  /** Nothing answers. */
  unreachable?: boolean;
  /** `list` answers undefined. */
  refusesLists?: boolean;
  /** `list` forgets what comes after the first names, as wrong paging does. */
  listsOnly?: number;
  /** Says `done` and does nothing. */
  lies?: boolean;
  /** Does the first name of each change and no other; then says `done` all the same, or stops as if the line were cut. */
  halves?: 'done' | 'stops';
  /** Does all of it, and the answer never arrives. */
  timesOutAfterwards?: boolean;
  /** Wants to be left alone after so many changes of a write; reads nothing meanwhile. */
  throttles?: { afterChanges: number; retryAfterMs: number };
  /** Waits for it before each answer, and does nothing before. */
  slow?: Promise<unknown>;
  /** These names it will not write, whatever is asked. */
  refuses?: readonly string[];
}

export interface MemoryZone extends ZoneAccess {
  faults: ZoneFaults;
  /** What was asked to be written, whatever became of it. */
  readonly writes: readonly (readonly ZoneChange[])[];
  /** How often `list` and `read` were asked. */
  readonly reads: { list: number; read: number };
  /** As other people do. Values in presentation form: a TXT in quotes. */
  put(name: string, type: string, ttl: number, values: readonly string[]): void;
  remove(name: string, type: string): void;
  stands(name: string): NameRecords | undefined;
}

interface StoredSet {
  ttl: number;
  values: readonly string[];
}

export function createMemoryZone(zone: string, ttlMin = 0): MemoryZone {
  const names = new Map<string, Map<string, StoredSet>>();
  const writes: (readonly ZoneChange[])[] = [];
  const reads = { list: 0, read: 0 };
  let faults: ZoneFaults = {};

  function put(name: string, type: string, ttl: number, values: readonly string[]) {
    const key = canonicalRecordName(name) ?? name;
    names.set(key, (names.get(key) ?? new Map<string, StoredSet>()).set(type, { ttl, values }));
  }

  function remove(name: string, type: string) {
    const key = canonicalRecordName(name) ?? name;
    names.get(key)?.delete(type);
    if (names.get(key)?.size === 0) names.delete(key);
  }

  function stands(name: string): NameRecords | undefined {
    const records = [...(names.get(name) ?? [])].flatMap(([type, { ttl, values }]) =>
      values.map((value) => ({ type, ttl, value: type === 'TXT' ? unquoted(value) : value })),
    );
    return nameRecords(records);
  }

  /** What stands at some names, after what goes wrong with reading. */
  async function look(which: () => Iterable<string>, signal: AbortSignal): Promise<ZoneRecords> {
    await answering(signal);
    if (faults.throttles !== undefined)
      throw Object.assign(stopped('dns_throttled'), { retryAfterMs: faults.throttles.retryAfterMs });
    const found = [...which()].map((name) => [name, stands(name)] as const);
    return new Map(found.filter((entry): entry is [string, NameRecords] => entry[1] !== undefined));
  }

  /** Settles when an answer comes. */
  async function answering(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (faults.slow !== undefined) await Promise.race([faults.slow, aborted(signal)]);
    if (faults.unreachable) throw stopped('dns_unreachable');
  }

  function make(change: ZoneChange): ChangeOutcome {
    const refused = change.find(({ name }) => faults.refuses?.includes(name));
    if (refused !== undefined) return { kind: 'refused', reason: `${refused.name} is not written by this key` };
    if (faults.lies) return { kind: 'done' };
    const clash = change.find((one) => !fits(one, stands(one.name)));
    if (clash !== undefined) return { kind: 'clash', name: clash.name };
    const beside = change.find((one) => isTextBesideCname(one));
    if (beside !== undefined) return { kind: 'refused', reason: `a CNAME stands at ${beside.name}` };
    for (const one of faults.halves === undefined ? change : change.slice(0, 1)) apply(one);
    return { kind: 'done' };
  }

  function isTextBesideCname({ name, after }: NameChange): boolean {
    return after.some(({ type }) => type === 'TXT') && names.get(name)?.has('CNAME') === true;
  }

  function apply(change: NameChange) {
    for (const type of typesOf(change)) remove(change.name, type);
    for (const { type, ttl, values } of change.after)
      put(change.name, type, Math.max(ttl, ttlMin), type === 'TXT' ? values.map((value) => `"${value}"`) : values);
  }

  put(zone, 'SOA', 3_600, [`ns.${zone} admin.${zone} 1 3600 900 86400 30`]);
  put(zone, 'NS', 3_600, [`ns.${zone}`]);
  return {
    ttlMin,
    get faults() {
      return faults;
    },
    set faults(now) {
      faults = now;
    },
    writes,
    reads,
    put,
    remove,
    stands,
    async list(signal) {
      reads.list += 1;
      const all = await look(() => [...names.keys()].sort().slice(0, faults.listsOnly), signal);
      return faults.refusesLists ? undefined : all;
    },
    async read(asked, signal) {
      reads.read += 1;
      return look(() => asked, signal);
    },
    async write(changes, signal) {
      writes.push(changes);
      const unknown = (from: number) => changes.slice(from).map((): ChangeOutcome => ({ kind: 'unknown' }));
      try {
        await answering(signal);
      } catch (error) {
        return { outcomes: unknown(0), stopped: error as Error };
      }
      const { afterChanges = changes.length, retryAfterMs = 0 } = faults.throttles ?? {};
      const outcomes = changes.slice(0, afterChanges).map(make);
      if (faults.timesOutAfterwards || faults.halves === 'stops')
        return { outcomes: unknown(0), stopped: stopped('dns_unreachable') };
      if (faults.throttles === undefined) return { outcomes };
      return { outcomes: [...outcomes, ...unknown(afterChanges)], stopped: stopped('dns_throttled'), retryAfterMs };
    },
  };
}

function stopped(code: 'dns_unreachable' | 'dns_throttled'): KokoaError {
  return new KokoaError(code, code === 'dns_throttled' ? 'it wants to be left alone' : 'it did not answer');
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}

/** The text of a TXT record: the pieces between quotes, without escapes. */
function unquoted(value: string): string {
  return [...value.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, piece]) => piece!.replace(/\\(.)/g, '$1')).join('');
}
