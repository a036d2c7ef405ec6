// Proofs for wildcards (RFC 8555, 8.4): an edge that holds the lease brings a value, and it stands in DNS until the order has ended. Laws: it is
// read back at the authority before anybody is told that it is there; a record that would take a name out of DNS is not written; and what was
// written is known on disk before it is, so that a crash leaves nothing for ever. For one certificate of a pool one thing is done at a time,
// and for the certificates of one zone one after the other: whoever asks often fills no queue, and a dead server holds up its own zone alone.
import { setTimeout as delay } from 'node:timers/promises';
import PQueue from 'p-queue';
import type { ChallengeAnswer } from '../bundle/api.ts';
import { KokoaError } from '../bundle/error.ts';
import type { Zone } from '../schemas/types.ts';
import { firstPlace, HOPS_MAX, namesAbove, nextPlace, type Place, zoneOfCertificate } from './core/dns-challenge.ts';
import type { DnsProvider, PublicDns } from './ports/dns-provider.ts';
import type { KeptChallenge, KeptChallenges } from './ports/kept-challenges.ts';

/** An order has ended by then, one way or the other. */
export const CHALLENGE_MS_MAX = 3600_000;
/** For one certificate of one pool; an order needs one. */
export const VALUES_MAX = 4;
const SWEEP_MS = 300_000;
const ANSWER_MS = 6_000;
const READ_BACK_MS = 5_000;
const READ_BACK_EVERY_MS = 100;
const RETRY_MS = 5_000;
const BUSY_RETRY_MS = 500;
const REASON_CHARACTERS_MAX = 300;

/** Zones by canonical name, as kokoa.yaml has them now. */
export type Zones = ReadonlyMap<string, Zone>;

export interface Wanted {
  pool: string;
  /** Name of the certificate, `*.name`. */
  certificate: string;
  value: string;
}

type Order = Pick<Wanted, 'pool' | 'certificate'>;

export interface DnsChallenges {
  /**
   * Writes the value and reads it back. Answers within seconds: `wait` when it takes longer, and the work goes on; also while another value
   * of this certificate is being written or taken out, and then nothing is begun. Never throws.
   */
  present(wanted: Wanted): Promise<ChallengeAnswer>;
  /** The order has ended: its values are taken out, that on its way too. Answers within seconds; it may take longer. Never throws. */
  withdraw(order: Order): Promise<void>;
  /** Takes out what was left behind, until `signal` aborts. Never throws. */
  run(signal: AbortSignal): Promise<void>;
}

export interface DnsChallengesParts {
  zones(): Zones;
  /** @throws KokoaError dns_credentials */
  provider(name: string, zone: Zone): Promise<DnsProvider>;
  publicDns: PublicDns;
  store: KeptChallenges;
  log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  /** ms since the epoch. */
  now(): number;
  /** How long a caller waits; default 6 s. */
  answerMs?: number;
  /** How long a server may take to show what it took; default 5 s. */
  readBackMs?: number;
}

type Written = { zone: string; record: string };

export function createDnsChallenges(parts: DnsChallengesParts): DnsChallenges {
  const { store, log, now, answerMs = ANSWER_MS, readBackMs = READ_BACK_MS } = parts;
  /** By zone. */
  const slots = new Map<string | undefined, PQueue>();
  /** By order. */
  const underWay = new Map<string, { value: string; done: Promise<ChallengeAnswer> }>();
  const leaving = new Map<string, Promise<void>>();

  /** One job at a time for each zone. Callers see to it that a certificate has few. */
  function inTurn<T>(certificate: string, job: () => Promise<T>): Promise<T> {
    const zone = zoneOfCertificate(certificate, parts.zones());
    const slot = slots.get(zone) ?? new PQueue({ concurrency: 1 });
    slots.set(zone, slot);
    return slot.add(job);
  }

  async function work(wanted: Wanted): Promise<ChallengeAnswer> {
    const { pool, certificate, value } = wanted;
    try {
      const place = await placeOf(certificate, parts);
      if ('reason' in place) return { outcome: 'refused', reason: place.reason };
      const provider = await providerOf(place.zone, parts);
      const kept = (await store.keptChallenges()).filter((one) => isOf(one, wanted) && one.value !== value);
      for (const one of kept.slice(0, Math.max(0, kept.length - VALUES_MAX + 1))) await takeOut(one, parts);
      if (!(await provider.txt(place.record)).includes(value)) {
        await store.keepChallenge({ ...place, value, pool, certificate, writtenMs: now() });
        await provider.addChallenge(place.record, value);
      }
      if (!(await isThere(provider, place, value, readBackMs)))
        throw new KokoaError('dns_refused', `the server of ${place.zone} took the record and does not have it`);
      log.info({ certificate, record: place.record, zone: place.zone }, 'the proof for a wildcard is in DNS');
      return { outcome: 'ready' };
    } catch (error) {
      const { code, reason, hint } = described(error);
      log.warn({ certificate, code, reason, hint }, 'the proof for a wildcard is not in DNS');
      return { outcome: 'wait', reason: `${code}: ${reason}`, retryAfterMs: RETRY_MS };
    }
  }

  /** What cannot be taken out now stays known, and is tried again. */
  async function takeOutAll(which: (one: KeptChallenge) => boolean): Promise<void> {
    try {
      // Without zones nothing was read yet, or none is written any more: then nobody could take it out.
      if (parts.zones().size === 0) return;
      const kept = (await store.keptChallenges()).filter(which);
      await Promise.all(kept.map((one) => inTurn(one.certificate, () => takeOut(one, parts))));
    } catch (error) {
      const { code, reason } = described(error);
      log.warn({ code, reason }, 'what was written into DNS for a wildcard could not be looked up');
    }
  }

  /** What is being written is taken out too, once it is there. */
  async function leave(order: Order): Promise<void> {
    await underWay.get(keyOf(order))?.done;
    await takeOutAll((one) => isOf(one, order));
  }

  function late<T>(answer: T): Promise<T> {
    return delay(answerMs, answer, { ref: false });
  }

  return {
    async present(wanted) {
      const key = keyOf(wanted);
      if (leaving.has(key)) return waiting('the value of the order before is being taken out');
      const begun = underWay.get(key);
      if (begun !== undefined && begun.value !== wanted.value) return waiting('another value is being written');
      const done = begun?.done ?? inTurn(wanted.certificate, () => work(wanted)).finally(() => underWay.delete(key));
      if (begun === undefined) underWay.set(key, { value: wanted.value, done });
      return Promise.race([done, late(waiting('the record is being written'))]);
    },
    async withdraw(order) {
      const key = keyOf(order);
      const left = leaving.get(key) ?? leave(order).finally(() => leaving.delete(key));
      leaving.set(key, left);
      await Promise.race([left, late(undefined)]);
    },
    async run(signal) {
      while (!signal.aborted) {
        await takeOutAll(({ writtenMs }) => isOld(writtenMs, now()));
        await delay(SWEEP_MS, undefined, { signal, ref: false }).catch(() => undefined);
      }
    },
  };
}

function keyOf({ pool, certificate }: Order): string {
  return `${pool}\n${certificate}`;
}

function waiting(reason: string): ChallengeAnswer {
  return { outcome: 'wait', reason, retryAfterMs: BUSY_RETRY_MS };
}

function isOf(one: KeptChallenge, { pool, certificate }: Order): boolean {
  return one.pool === pool && one.certificate === certificate;
}

/** Also what a clock wrote that ran ahead. */
function isOld(writtenMs: number, nowMs: number): boolean {
  return Math.abs(nowMs - writtenMs) >= CHALLENGE_MS_MAX;
}

/** The record that the CA ends at, when writing it harms nobody. @throws KokoaError dns_unreachable, dns_refused, dns_credentials */
async function placeOf(certificate: string, parts: DnsChallengesParts): Promise<Written | { reason: string }> {
  const zones = parts.zones();
  let place: Place = firstPlace(certificate, zones);
  for (let hops = 0; hops <= HOPS_MAX; hops += 1) {
    if (place.kind === 'refused') return place;
    const target: string | undefined = await targetOf(place, parts);
    if (target !== undefined) {
      place = nextPlace(target, zones);
      continue;
    }
    if (place.kind === 'write') return (await harm(place, parts)) ?? { zone: place.zone, record: place.record };
    return { reason: `${place.record} is no CNAME to a name below _acme-challenge of a zone that is written` };
  }
  return { reason: `more than ${HOPS_MAX} CNAMEs follow each other` };
}

/** A CNAME that a wildcard makes up gives way to a record of the name's own. */
async function targetOf(
  place: Exclude<Place, { kind: 'refused' }>,
  parts: DnsChallengesParts,
): Promise<string | undefined> {
  if (place.kind === 'follow') return parts.publicDns.cname(place.record);
  const provider = await providerOf(place.zone, parts);
  const target = await provider.cname(place.record);
  return target !== undefined && (await provider.hasOwnRecords(place.record)) ? target : undefined;
}

/** A record below a name that only a wildcard serves makes that name exist without an address (RFC 4592, 2.2.2): an outage. */
async function harm({ zone, record }: Written, parts: DnsChallengesParts): Promise<{ reason: string } | undefined> {
  const provider = await providerOf(zone, parts);
  for (const name of namesAbove(record, zone)) {
    if (!(await provider.isServed(name)) || (await provider.hasOwnRecords(name))) continue;
    return {
      reason: `${name} is served by a wildcard of DNS alone, and ${record} would take it out: give ${name} records of its own`,
    };
  }
  return undefined;
}

async function isThere(provider: DnsProvider, { record }: Written, value: string, withinMs: number): Promise<boolean> {
  for (let waitedMs = 0; waitedMs <= withinMs; waitedMs += READ_BACK_EVERY_MS) {
    if ((await provider.txt(record)).includes(value)) return true;
    await delay(READ_BACK_EVERY_MS);
  }
  return false;
}

async function takeOut(one: KeptChallenge, parts: DnsChallengesParts): Promise<void> {
  const { record, value, zone, certificate } = one;
  try {
    if (!parts.zones().has(zone)) {
      parts.log.warn({ record, zone }, 'the proof for a wildcard stays in DNS: its zone is not in kokoa.yaml any more');
      return await parts.store.dropChallenge(record, value);
    }
    const provider = await providerOf(zone, parts);
    await provider.removeChallenge(record, value);
    if ((await provider.txt(record)).includes(value))
      throw new KokoaError('dns_refused', `the server of ${zone} said yes and has it still`);
    await parts.store.dropChallenge(record, value);
  } catch (error) {
    const { code, reason } = described(error);
    parts.log.warn({ certificate, record, code, reason }, 'the proof for a wildcard is still in DNS; will try again');
  }
}

async function providerOf(name: string, { zones, provider }: DnsChallengesParts): Promise<DnsProvider> {
  const zone = zones().get(name);
  if (zone === undefined) throw new KokoaError('dns_credentials', `${name} is no zone of kokoa.yaml any more`);
  return provider(name, zone);
}

function described(error: unknown): { code: string; reason: string; hint?: string } {
  if (!(error instanceof KokoaError))
    return { code: 'unexpected', reason: String(error).slice(0, REASON_CHARACTERS_MAX) };
  const { code, message, hint } = error;
  return { code, reason: message.slice(0, REASON_CHARACTERS_MAX), ...(hint && { hint }) };
}
