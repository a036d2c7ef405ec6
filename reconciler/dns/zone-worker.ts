// One zone that the reconciler writes, for as long as it runs. Law: one piece of work at a time, names that hold addresses first; a provider
// that fails is left alone for a while and then asked again, for ever; and no zone waits for another one.
import { KokoaError } from '../../bundle/error.ts';
import { DELETED_COUNTED_FROM } from '../core/dns/zone-plan.ts';
import type { RecordSet, ZoneAccess } from '../ports/dns-zone.ts';
import type { KeptNames } from '../ports/kept-names.ts';
import { lookAtZone } from './look-at-zone.ts';
import { PIECE_NAMES_MAX, settleNames } from './settle-names.ts';
import { createUnsettledNames, type ZoneStanding } from './zone-standing.ts';
import { createZoneTurns, RETRY_MS_MIN, retryMs, type Turn, type ZoneTurns } from './zone-turns.ts';

/** How often the whole zone is compared: what somebody else changed is found then. */
export const LOOK_EVERY_MS = 10 * 60_000;
const SPREAD = 0.1;
export const RETRY_MS_MAX = 5 * 60_000;
/** A failover is tried again at least this often, whatever failed before. */
export const URGENT_RETRY_MS_MAX = 5_000;
/** A name that is not settled so often is told as trouble. */
const IN_VAIN = 3;
/** No longer than this is believed to be wanted. */
const LEFT_ALONE_MS_MAX = 60 * 60_000;

export interface ZoneWorkerParts {
  zone: string;
  owner: string;
  /** Made anew for each piece of work, so that a replaced credential works at once. @throws KokoaError dns_credentials */
  access(): Promise<ZoneAccess>;
  kept: KeptNames;
  /** What git wants there now; undefined: nothing. Undefined sets: what is ours there stays. */
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
  const urgent = createZoneTurns(URGENT_RETRY_MS_MAX);
  const touched = createZoneTurns(RETRY_MS_MAX);
  /** Deletions that the last whole comparison let through. */
  const approved = new Set<string>();
  const unsettled = createUnsettledNames(now);
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
    unsettled: unsettled.list(),
    ...(trouble && { trouble }),
    ...(lookedMs !== undefined && { lookedMs }),
  });

  async function look(signal: AbortSignal): Promise<void> {
    const access = await parts.access();
    const wanted = new Map([...parts.names()].map((name) => [name, parts.wantedAt(name)?.sets]));
    wantedCount = wanted.size;
    const { plan, owned } = await lookAtZone({
      ...{ zone, owner, access, kept, wanted, signal },
      stays: (name) => parts.wantedAt(name) !== undefined,
    });
    const remembered = new Set(await kept.dnsNames(zone));
    const unknown = [...owned].filter((name) => !remembered.has(name));
    if (unknown.length > 0) await kept.keepDnsNames(zone, unknown);
    approved.clear();
    for (const { name, verb } of plan.changes) {
      touched.add(name, 'only new');
      if (verb === 'delete') approved.add(name);
    }
    unsettled.compared(plan);
    lookedMs = now();
    lookAtMs = performance.now() + LOOK_EVERY_MS * (1 + SPREAD * (2 * random() - 1));
  }

  /** Settles these names, and gives those that are not a turn of their own: no other waits for them. */
  async function settle(turns: ReadonlyMap<string, Turn>, isUrgent: boolean, signal: AbortSignal): Promise<void> {
    const access = await parts.access();
    const wanted = new Map(
      [...turns.keys()].map((name) => {
        const said = parts.wantedAt(name);
        return [name, said === undefined ? [] : said.sets] as const;
      }),
    );
    const ended = await settleNames({ zone, owner, access, kept, wanted, signal });
    let changed = 0;
    let inVain: KokoaError | undefined;
    for (const [name, end] of ended.names) {
      unsettled.note(name, end);
      if (end.kind === 'settled' && end.changed) changed += 1;
      // What the provider refuses is asked again where a failover hangs on it; the rest waits for the next comparison.
      if (end.kind !== 'open' && !(isUrgent && end.kind === 'refused')) continue;
      const tries = turns.get(name)!.tries + 1;
      (isUrgent ? urgent : touched).again(name, tries);
      if (tries >= IN_VAIN || end.kind === 'refused')
        inVain ??= new KokoaError(end.kind === 'refused' ? 'dns_refused' : 'dns_unsettled', `${name}: ${end.reason}`);
    }
    if (changed > 0) parts.wrote(changed);
    if (ended.retryAfterMs !== undefined) leaveAlone(ended.retryAfterMs);
    if (ended.stopped) throw ended.stopped;
    trouble = inVain && troubleOf(inVain);
  }

  function leaveAlone(ms: number): void {
    leaveUntilMs = Math.max(leaveUntilMs, performance.now() + Math.min(ms, LEFT_ALONE_MS_MAX));
  }

  function deletions(names: Iterable<string>): number {
    let count = 0;
    for (const name of names) if (parts.wantedAt(name) === undefined) count += 1;
    return count;
  }

  function mayBeSettled(name: string): boolean {
    return parts.wantedAt(name) !== undefined || approved.has(name);
  }

  /** True when there was something to do. */
  async function work(signal: AbortSignal): Promise<boolean> {
    const first = urgent.take(PIECE_NAMES_MAX);
    if (first.size > 0) {
      await takeOn(urgent, first, first, signal);
      return true;
    }
    const isDue = touched.nextMs() <= performance.now();
    if (performance.now() >= lookAtMs && (!isDue || lookedMs !== undefined)) {
      await look(signal);
      trouble = undefined;
      return true;
    }
    if (!isDue) return false;
    const isMass = lookedMs === undefined || deletions(touched.names()) >= DELETED_COUNTED_FROM;
    const next = touched.take(PIECE_NAMES_MAX);
    const some = isMass ? new Map([...next].filter(([name]) => mayBeSettled(name))) : next;
    // What is left out here is found again by the comparison, which counts.
    if (some.size < next.size) lookAtMs = 0;
    await takeOn(touched, next, some, signal);
    return true;
  }

  async function takeOn(
    from: ZoneTurns,
    taken: ReadonlyMap<string, Turn>,
    some: ReadonlyMap<string, Turn>,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      if (some.size > 0) await settle(some, from === urgent, signal);
    } catch (error) {
      from.giveBack(taken);
      throw error;
    }
  }

  function failed(error: unknown): void {
    failures += 1;
    trouble = troubleOf(error);
    leaveAlone((error as { retryAfterMs?: number }).retryAfterMs ?? 0);
    const pauseMs = retryMs(failures, RETRY_MS_MAX) * (1 + SPREAD * (2 * random() - 1));
    retryAtMs = performance.now() + (urgent.size > 0 ? Math.min(pauseMs, URGENT_RETRY_MS_MAX) : pauseMs);
  }

  function troubleOf(error: unknown): NonNullable<ZoneStanding['trouble']> {
    const { code, message } = error instanceof KokoaError ? error : { code: 'unexpected', message: String(error) };
    return { code, reason: message.slice(0, 300), sinceMs: trouble?.sinceMs ?? now() };
  }

  function wait(signal: AbortSignal): Promise<void> {
    const dueMs = Math.max(retryAtMs, leaveUntilMs, Math.min(lookAtMs, urgent.nextMs(), touched.nextMs()));
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
          if (did) failures = 0;
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
