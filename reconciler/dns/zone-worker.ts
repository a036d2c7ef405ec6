// One zone that the reconciler writes, for as long as it runs. Law: one piece of work at a time, names that hold addresses first; a provider
// that fails is left alone for a while and then asked again, for ever; and no zone waits for another one.
import { KokoaError } from '../../bundle/error.ts';
import { DELETED_COUNTED_FROM, type Foreign } from '../core/dns/zone-plan.ts';
import type { RecordSet, ZoneAccess } from '../ports/dns-zone.ts';
import type { KeptNames } from '../ports/kept-names.ts';
import { lookAtZone } from './look-at-zone.ts';
import { type NameEnd, PIECE_NAMES_MAX, settleNames } from './settle-names.ts';

/** How often the whole zone is compared: what somebody else changed is found then. */
export const LOOK_EVERY_MS = 10 * 60_000;
const SPREAD = 0.1;
export const RETRY_MS_MIN = 500;
export const RETRY_MS_MAX = 5 * 60_000;
/** A failover is tried again at least this often, whatever failed before. */
export const URGENT_RETRY_MS_MAX = 5_000;
/** No longer than this is believed to be wanted. */
const LEFT_ALONE_MS_MAX = 60 * 60_000;

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

export interface ZoneWorkerParts {
  zone: string;
  owner: string;
  /** Made anew for each piece of work, so that a replaced credential works at once. @throws KokoaError dns_credentials */
  access(): Promise<ZoneAccess>;
  kept: KeptNames;
  /** What git wants there now; undefined: nothing. */
  wantedAt(name: string): { sets: readonly RecordSet[] | undefined } | undefined;
  /** All names of the zone that git wants something of. */
  names(): Iterable<string>;
  /** `changed`: names that were just written, by what was done. */
  wrote(count: number): void;
  /** Something about the standing is another than before. */
  moved(standing: ZoneStanding): void;
  /** ms since the epoch. */
  now(): number;
  random?(): number;
}

export interface ZoneWorker {
  /** Something else may be wanted at these names. `urgent`: before all others. */
  touch(names: Iterable<string>, urgent?: boolean): void;
  /** Everything is compared soon. */
  lookSoon(): void;
  standing(): ZoneStanding;
  /** Until `signal` aborts. Never throws. */
  run(signal: AbortSignal): Promise<void>;
}

export function createZoneWorker(parts: ZoneWorkerParts): ZoneWorker {
  const { zone, owner, kept, now, random = Math.random } = parts;
  const urgent = new Set<string>();
  const touched = new Set<string>();
  /** Deletions that the last whole comparison let through. */
  const approved = new Set<string>();
  const unsettled = new Map<string, Unsettled>();
  let trouble: ZoneStanding['trouble'];
  let failures = 0;
  let retryAtMs = 0;
  /** The provider wants it: whatever is urgent. */
  let leaveUntilMs = 0;
  let lookAtMs = 0;
  let lookedMs: number | undefined;
  let wantedCount = 0;
  let wake: (() => void) | undefined;

  const standing = (): ZoneStanding => ({
    ...{ zone, wanted: wantedCount },
    unsettled: [...unsettled.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    ...(trouble && { trouble }),
    ...(lookedMs !== undefined && { lookedMs }),
  });

  function note(name: string, end: NameEnd): void {
    if (end.kind === 'settled') return void unsettled.delete(name);
    const { kind, reason } = end;
    const before = unsettled.get(name);
    unsettled.set(name, { name, kind, reason, sinceMs: before?.kind === kind ? before.sinceMs : now() });
  }

  async function look(signal: AbortSignal): Promise<void> {
    const access = await parts.access();
    const wanted = new Map([...parts.names()].map((name) => [name, parts.wantedAt(name)?.sets]));
    wantedCount = wanted.size;
    const { plan, owned } = await lookAtZone({ zone, owner, access, kept, wanted, signal });
    const remembered = new Set(await kept.dnsNames(zone));
    const unknown = [...owned].filter((name) => !remembered.has(name));
    if (unknown.length > 0) await kept.keepDnsNames(zone, unknown);
    const held = new Set(plan.held.map(({ name }) => name));
    approved.clear();
    for (const { name, verb } of plan.changes) {
      touched.add(name);
      if (verb === 'delete') approved.add(name);
    }
    const open = new Set([...plan.changes, ...plan.held, ...plan.foreign].map(({ name }) => name));
    for (const name of unsettled.keys()) if (!open.has(name)) unsettled.delete(name);
    for (const one of plan.foreign) note(one.name, foreignEnd(one));
    for (const name of held)
      unsettled.set(name, {
        ...{ name, kind: 'held', reason: `one of ${held.size} names that would be deleted at once` },
        sinceMs: unsettled.get(name)?.sinceMs ?? now(),
      });
    lookedMs = now();
    lookAtMs = performance.now() + LOOK_EVERY_MS * (1 + SPREAD * (2 * random() - 1));
  }

  async function settle(names: readonly string[], signal: AbortSignal): Promise<void> {
    const access = await parts.access();
    const wanted = new Map(
      names.map((name) => {
        const said = parts.wantedAt(name);
        return [name, said === undefined ? [] : said.sets] as const;
      }),
    );
    const ended = await settleNames({ zone, owner, access, kept, wanted, signal });
    let changed = 0;
    for (const [name, end] of ended.names) {
      note(name, end);
      if (end.kind === 'settled' && end.changed) changed += 1;
      // Somebody may have wished for something else in the meantime: then the name is in the set again already.
      if (end.kind === 'open') touched.add(name);
    }
    if (changed > 0) parts.wrote(changed);
    if (ended.retryAfterMs !== undefined) leaveAlone(ended.retryAfterMs);
    if (ended.stopped) throw ended.stopped;
    // While some are done, the others have their turn again at once; what is left alone then is in somebody's way.
    if (changed === 0 && [...ended.names.values()].some(({ kind }) => kind === 'open'))
      throw new KokoaError('dns_unsettled', 'records are not as they were written');
  }

  function leaveAlone(ms: number): void {
    leaveUntilMs = Math.max(leaveUntilMs, performance.now() + Math.min(ms, LEFT_ALONE_MS_MAX));
  }

  function deletions(names: ReadonlySet<string>): number {
    let count = 0;
    for (const name of names) if (parts.wantedAt(name) === undefined) count += 1;
    return count;
  }

  function mayBeSettled(name: string): boolean {
    return parts.wantedAt(name) !== undefined || approved.has(name);
  }

  /** True when there was something to do. */
  async function work(signal: AbortSignal): Promise<boolean> {
    const [from, isUrgent] = urgent.size > 0 ? [urgent, true] : [touched, false];
    if (from.size === 0 && performance.now() < lookAtMs) return false;
    if (from.size === 0) {
      await look(signal);
      return true;
    }
    const isMass = lookedMs === undefined || deletions(from) >= DELETED_COUNTED_FROM;
    const taken = [...from].slice(0, PIECE_NAMES_MAX);
    for (const name of taken) from.delete(name);
    const names = isMass ? taken.filter(mayBeSettled) : taken;
    // What is left out here is found again by the comparison, which counts.
    if (names.length < taken.length) lookAtMs = 0;
    try {
      if (names.length > 0) await settle(names, signal);
    } catch (error) {
      for (const name of taken) (isUrgent ? urgent : touched).add(name);
      throw error;
    }
    return true;
  }

  function failed(error: unknown): void {
    failures += 1;
    const { code, message } = error instanceof KokoaError ? error : { code: 'unexpected', message: String(error) };
    const sinceMs = trouble?.sinceMs ?? now();
    trouble = { code, reason: message.slice(0, 300), sinceMs };
    leaveAlone((error as { retryAfterMs?: number }).retryAfterMs ?? 0);
    const grown = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(failures - 1, 12));
    const pauseMs = grown * (1 + SPREAD * (2 * random() - 1));
    retryAtMs = performance.now() + (urgent.size > 0 ? Math.min(pauseMs, URGENT_RETRY_MS_MAX) : pauseMs);
  }

  function wait(signal: AbortSignal): Promise<void> {
    const dueMs = Math.max(retryAtMs, leaveUntilMs, urgent.size + touched.size > 0 ? 0 : lookAtMs);
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, Math.max(1, dueMs - performance.now()));
      timer.unref();
      signal.addEventListener('abort', done);
      wake = done;
    });
  }

  return {
    touch(names, isUrgent = false) {
      for (const name of names) (isUrgent ? urgent : touched).add(name);
      if (isUrgent) retryAtMs = Math.min(retryAtMs, performance.now() + RETRY_MS_MIN);
      wake?.();
    },
    lookSoon() {
      lookAtMs = 0;
      wake?.();
    },
    standing,
    async run(signal) {
      while (!signal.aborted) {
        if (performance.now() < Math.max(retryAtMs, leaveUntilMs)) {
          await wait(signal);
          continue;
        }
        let did = false;
        try {
          did = await work(signal);
          if (did) [failures, trouble] = [0, undefined];
        } catch (error) {
          if (signal.aborted) return;
          failed(error);
        }
        if (did || trouble) parts.moved(standing());
        if (!did) await wait(signal);
      }
    },
  };
}

function foreignEnd({ reason, adoptable }: Foreign): NameEnd {
  return { kind: 'foreign', reason, adoptable };
}
