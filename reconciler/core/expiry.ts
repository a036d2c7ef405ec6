// When routes end by themselves. Law: a route is over from its minute on, whether or not anybody commits; moving the time costs only
// the routes whose time it is.
import type { Route } from '../../schemas/types.ts';
import type { Desired } from './desired.ts';
import type { LoadedFile } from './files.ts';
import { entriesOf } from './persistent-map.ts';

export function hasExpired(route: Pick<Route, 'expiresAt'>, nowMs: number): boolean {
  return expiryMs(route) <= nowMs;
}

/** The first expiry after `nowMs`, in ms; undefined: nothing ends any more. */
export function nextExpiry(desired: Desired, nowMs: number): number | undefined {
  const expiries = expiriesOf(desired);
  return expiries[countUntil(expiries, nowMs)]?.ms;
}

/** The routes that are open at one of two times and closed at the other. */
export function expiringBetween(desired: Desired, aMs: number, bMs: number): LoadedFile<'route'>[] {
  const expiries = expiriesOf(desired);
  const [from, to] = [countUntil(expiries, Math.min(aMs, bMs)), countUntil(expiries, Math.max(aMs, bMs))];
  return expiries.slice(from, to).map(({ file }) => file);
}

interface Expiry {
  ms: number;
  file: LoadedFile<'route'>;
}

/** Sorted once per version of the index. */
const sorted = new WeakMap<Desired['expiring'], Expiry[]>();

function expiriesOf({ expiring }: Desired): Expiry[] {
  const known = sorted.get(expiring);
  if (known !== undefined) return known;
  const all = [...entriesOf(expiring)].map(([, file]): Expiry => ({ ms: expiryMs(file.value ?? {}), file }));
  const expiries = all.filter(({ ms }) => ms < Number.POSITIVE_INFINITY).sort((a, b) => a.ms - b.ms);
  sorted.set(expiring, expiries);
  return expiries;
}

/** How many have an expiry of `ms` or before: binary search. */
function countUntil(expiries: readonly Expiry[], ms: number): number {
  let [from, to] = [0, expiries.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (expiries[middle]!.ms <= ms) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Never: what has no such time, and what the rules refuse as one. */
function expiryMs({ expiresAt }: Pick<Route, 'expiresAt'>): number {
  const ms = expiresAt === undefined ? Number.NaN : Date.parse(expiresAt);
  return Number.isNaN(ms) ? Number.POSITIVE_INFINITY : ms;
}
