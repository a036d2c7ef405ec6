// What may still be ordered at a certificate authority, for the whole fleet. Law: what the CA asked for and what it limits is kept by all
// edges together; a name that cannot be validated waits alone; a renewal comes before a new name.
import type { KeptOrder, OrderPause } from '../ports/order-book.ts';

export interface OrderLimits {
  /** Orders of one name in 7 days that may have been finalised. More by themselves where certificates live for days: `ordersPerWeek`. */
  ordersPerName: number;
  /** New names of one registered domain in 7 days. Renewals do not count. */
  newNamesPerDomain: number;
  /** Failed validations of one name in an hour. */
  failedValidations: number;
  /** Orders of one account in 3 hours, whatever became of them. */
  ordersPerAccount: number;
}

/**
 * Let's Encrypt gives 5 certificates to one set of names, 50 to a registered domain, 5 failed validations and 300 orders:
 * https://letsencrypt.org/docs/rate-limits/. A name of ours needs one, and a second one where an edge died in the middle.
 */
export const ORDER_LIMITS_DEFAULT: OrderLimits = {
  ordersPerName: 2,
  newNamesPerDomain: 50,
  failedValidations: 5,
  ordersPerAccount: 300,
};

/** With these a name comes to the five certificates that Let's Encrypt gives it in 7 days. */
const REISSUES_MAX = 3;

const HOUR_MS = 3600_000;
export const WEEK_MS = 7 * 24 * HOUR_MS;
export const ACCOUNT_WINDOW_MS = 3 * HOUR_MS;
/** Of the orders of an account, one in ten is kept for renewals. */
const KEPT_FOR_RENEWALS = 0.1;
/** A certificate is renewed when a third of its life is left. */
const RENEWED_AT = 2 / 3;
/** After a failed validation; it doubles with each further one in a row. */
export const BACKOFF_MS_MIN = 60_000;
export const BACKOFF_MS_MAX = 2 * HOUR_MS;
/** A life that is short must not be waited away. */
const BACKOFF_OF_LIFE = 1 / 30;
const DOUBLINGS_MAX = 20;

/** Newest first, and enough of them: see `OrdersOf`. */
export interface OrderHistory {
  /** Of 7 days. */
  name: readonly KeptOrder[];
  /** New names of the registered domain that may have been finalised, of 7 days. */
  domain: readonly KeptOrder[];
  /** Of the account, of 3 hours. */
  account: readonly KeptOrder[];
  pauses: readonly OrderPause[];
}

export interface BudgetQuestion {
  name: string;
  domain: string;
  node: string;
  renewal: boolean;
  /** How often it may have to be ordered beside that, because an edge that had it is compromised. */
  reissues: number;
  /** Of the newest certificate of this name; undefined: there was none. */
  lifetimeMs: number | undefined;
  limits: OrderLimits;
  history: OrderHistory;
  nowMs: number;
}

export type BudgetVerdict = { kind: 'pass' } | { kind: 'wait'; reason: string; untilMs: number };

export function judgeOrder(question: BudgetQuestion): BudgetVerdict {
  const waits = [...pausesOf(question), failuresOf(question), ...limitsOf(question)].filter(
    (wait) => wait !== undefined && wait.untilMs > question.nowMs,
  );
  const longest = waits.toSorted((a, b) => b!.untilMs - a!.untilMs)[0];
  return longest === undefined ? { kind: 'pass' } : { kind: 'wait', ...longest };
}

interface Wait {
  reason: string;
  untilMs: number;
}

function pausesOf({ name, domain, node, renewal, history }: BudgetQuestion): Wait[] {
  const subjects = { name, domain, account: node, server: '' };
  return history.pauses
    .filter(({ scope, subject }) => subjects[scope] === subject && !(scope === 'domain' && renewal))
    .map(({ scope, node: told, untilMs }) => ({
      reason: `the CA asked ${told} to wait${scope === 'server' ? '' : ` with this ${scope}`}`,
      untilMs,
    }));
}

/** In a row, whoever tried: another edge would fail at the same. */
function failuresOf({ lifetimeMs, limits, history, nowMs }: BudgetQuestion): Wait | undefined {
  const ended = history.name.filter(({ outcome }) => outcome !== undefined);
  const since = ended.findIndex(({ outcome }) => outcome === 'issued');
  const failed = (since < 0 ? ended : ended.slice(0, since)).filter(({ outcome }) => outcome === 'validation_failed');
  const [last] = failed;
  if (last === undefined) return undefined;
  const backoffMs = Math.min(
    BACKOFF_MS_MIN * 2 ** Math.min(failed.length - 1, DOUBLINGS_MAX),
    BACKOFF_MS_MAX,
    lifetimeMs === undefined ? Infinity : Math.max(BACKOFF_MS_MIN, lifetimeMs * BACKOFF_OF_LIFE),
  );
  const recent = failed.filter(({ endedMs = 0 }) => endedMs > nowMs - HOUR_MS);
  const beyond = recent[limits.failedValidations - 1];
  const untilMs = Math.max(last.endedMs! + backoffMs, beyond === undefined ? 0 : beyond.endedMs! + HOUR_MS);
  return { reason: `its validation failed ${times(failed.length)} in a row`, untilMs };
}

function limitsOf(question: BudgetQuestion): (Wait | undefined)[] {
  const { domain, renewal, reissues, lifetimeMs, limits, history } = question;
  const perWeek = ordersPerWeek(limits, lifetimeMs) + Math.min(reissues, REISSUES_MAX);
  const account = renewal
    ? limits.ordersPerAccount
    : Math.max(1, Math.floor(limits.ordersPerAccount * (1 - KEPT_FOR_RENEWALS)));
  return [
    beyond(history.name.filter(mayBeFinalised), perWeek, WEEK_MS, `it was ordered ${times(perWeek)} in 7 days`),
    renewal
      ? undefined
      : beyond(
          history.domain,
          limits.newNamesPerDomain,
          WEEK_MS,
          `${domain} had ${limits.newNamesPerDomain} new names in 7 days`,
        ),
    beyond(history.account, account, ACCOUNT_WINDOW_MS, `this edge began ${times(account, 'order')} in 3 hours`),
  ];
}

/** Enough for every renewal of a short life, and one more; 43 for 6 hours, 3 for 160, 2 for a month and longer. */
export function ordersPerWeek({ ordersPerName }: OrderLimits, lifetimeMs: number | undefined): number {
  if (lifetimeMs === undefined || !(lifetimeMs > 0)) return ordersPerName;
  return Math.max(ordersPerName, Math.ceil(WEEK_MS / (lifetimeMs * RENEWED_AT)) + 1);
}

/** An order of which nobody said how it ended may have been finalised. */
function mayBeFinalised({ outcome = 'issued' }: KeptOrder): boolean {
  return outcome === 'issued';
}

/** `orders`: newest first. */
function beyond(orders: readonly KeptOrder[], max: number, windowMs: number, reason: string): Wait | undefined {
  const first = orders[max - 1];
  return first && { reason, untilMs: first.begunMs + windowMs };
}

function times(count: number, noun?: string): string {
  if (noun !== undefined) return `${count} ${noun}${count === 1 ? '' : 's'}`;
  return count === 1 ? 'once' : `${count} times`;
}
