// The records of visitors, in every zone that the reconciler writes. Law: what is wanted follows from what is live and from which edges serve,
// and flows one way: nothing that stands in DNS changes what is published.

import type { Zone } from '../../schemas/types.ts';
import { certificateRulesOf } from '../core/certificate-rules.ts';
import { type Desired, emptyDesired } from '../core/desired.ts';
import {
  addressNames,
  allNames,
  poolNames,
  touchedNames,
  type WantedContext,
  wantedAt,
  zoneNameOf,
} from '../core/dns/wanted-records.ts';
import type { ZoneAccess } from '../ports/dns-zone.ts';
import type { KeptNames } from '../ports/kept-names.ts';
import type { ZoneStanding } from './zone-standing.ts';
import { createZoneWorker, type ZoneWorker } from './zone-worker.ts';

export interface DnsRecordsParts {
  /** Of this installation (core/dns/owner-text.ts). */
  owner: string;
  /** @throws KokoaError dns_credentials */
  access(name: string, zone: Zone): Promise<ZoneAccess>;
  addressesOf: WantedContext['addressesOf'];
  kept: KeptNames;
  log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  /** Records of a zone were just written. */
  wrote?(zone: string, count: number): void;
  /** A zone stands otherwise than before. */
  moved?(standing: ZoneStanding): void;
  now(): number;
}

export interface DnsRecords {
  /** What is live, each time that it may have changed. Cheap: the cost is that of what changed. */
  live(desired: Desired): void;
  /** Other edges serve now. */
  membersMoved(): void;
  /** Of every zone that is written, sorted by name. */
  standings(): ZoneStanding[];
  /** Until `signal` aborts. Never throws. */
  run(signal: AbortSignal): Promise<void>;
}

interface Working {
  worker: ZoneWorker;
  stop: AbortController;
  done: Promise<void>;
}

export function createDnsRecords(parts: DnsRecordsParts): DnsRecords {
  const { owner, kept, log, now } = parts;
  const working = new Map<string, Working>();
  let desired = emptyDesired();
  let running: AbortSignal | undefined;

  const context = (): WantedContext => ({ desired, addressesOf: parts.addressesOf });

  function begin(zone: string): Working {
    const stop = new AbortController();
    const worker = createZoneWorker({
      ...{ zone, owner, kept, now },
      access: () => parts.access(zone, zonesOf(desired).get(zone)!),
      wantedAt(name) {
        const wanted = wantedAt(name, context());
        // Another zone has it now, which may not be written yet: until then what stands here is all that there is.
        return wanted === undefined || wanted.zone === zone ? wanted : { sets: undefined };
      },
      names: () => namesByZone(desired).get(zone) ?? [],
      wrote(count) {
        log.info({ zone, records: count }, 'wrote records of visitors into DNS');
        parts.wrote?.(zone, count);
      },
      moved: told(log, parts.moved),
    });
    const done = worker.run(running ? AbortSignal.any([running, stop.signal]) : stop.signal);
    return { worker, stop, done };
  }

  /** A zone that is no longer written keeps its records: whoever writes it now knows what they are for. */
  function takeOnZones(): void {
    const wanted = poolNames(desired.kokoa?.value).size === 0 ? new Map<string, Zone>() : zonesOf(desired);
    for (const [zone, { stop }] of working) {
      if (wanted.has(zone)) continue;
      stop.abort();
      working.delete(zone);
      log.warn({ zone }, 'records of a zone stay as they are: nothing in kokoa.yaml says any more how it is written');
    }
    for (const zone of wanted.keys()) if (!working.has(zone)) working.set(zone, begin(zone));
  }

  function touch(names: Iterable<string>, isUrgent: boolean): void {
    const kokoa = desired.kokoa?.value;
    const byZone = Map.groupBy(names, (name) => zoneNameOf(name, kokoa));
    for (const [zone, some] of byZone) if (zone !== undefined) working.get(zone)?.worker.touch(some, isUrgent);
  }

  return {
    live(next) {
      if (next === desired) return;
      const before = desired;
      desired = next;
      if (running === undefined) return;
      const isOther = before.kokoa?.value !== next.kokoa?.value;
      if (isOther) takeOnZones();
      // Everything is compared then, and deletions are counted.
      if (isOther) for (const { worker } of working.values()) worker.lookSoon();
      else touch(touchedNames(before, next), false);
    },
    membersMoved() {
      if (running !== undefined) touch(addressNames(desired), true);
    },
    standings: () =>
      [...working.values()].map(({ worker }) => worker.standing()).sort((a, b) => (a.zone < b.zone ? -1 : 1)),
    async run(signal) {
      running = signal;
      takeOnZones();
      touch(addressNames(desired), true);
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener('abort', () => resolve(), { once: true });
      });
      await Promise.all([...working.values()].map(({ done }) => done));
    },
  };
}

/** Zones that the reconciler writes, by canonical name. */
export function zonesOf({ kokoa }: Desired): Map<string, Zone> {
  return new Map([...certificateRulesOf(kokoa?.value).zones].filter(([, { provider }]) => provider !== 'manual'));
}

const grouped = new WeakMap<Desired, ReadonlyMap<string, string[]>>();

/** Every name that git wants something of, by zone. */
export function namesByZone(desired: Desired): ReadonlyMap<string, string[]> {
  const known = grouped.get(desired);
  if (known) return known;
  const made = new Map<string, string[]>();
  // Whatever the addresses are, the names are the same.
  const context = { desired, addressesOf: () => [] };
  for (const name of new Set(allNames(desired))) {
    const zone = wantedAt(name, context)?.zone;
    if (zone === undefined) continue;
    const names = made.get(zone);
    if (names) names.push(name);
    else made.set(zone, [name]);
  }
  grouped.set(desired, made);
  return made;
}

/** Says it once when a zone gets into trouble, and once when it is out of it. */
function told(log: DnsRecordsParts['log'], moved: DnsRecordsParts['moved']): (standing: ZoneStanding) => void {
  let troubled: string | undefined;
  let foreign = '';
  return (standing) => {
    const { zone, trouble, unsettled } = standing;
    if (trouble && trouble.code !== troubled)
      log.warn(
        { zone, code: trouble.code, reason: trouble.reason },
        'records of visitors cannot be written; will try again',
      );
    if (!trouble && troubled !== undefined) log.info({ zone }, 'records of visitors can be written again');
    troubled = trouble?.code;
    const waiting = unsettled.filter(({ kind }) => kind !== 'open');
    const text = waiting.map(({ name, kind }) => `${kind} ${name}`).join('\n');
    if (text !== foreign && waiting.length > 0)
      log.warn(
        { zone, names: waiting.length, first: waiting[0]!.name, reason: waiting[0]!.reason },
        'some names in DNS are not as git wants them: see kokoa dns plan',
      );
    foreign = text;
    moved?.(standing);
  };
}
