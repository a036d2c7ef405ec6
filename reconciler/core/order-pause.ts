// How long nothing is ordered after a CA said no, and what that holds for. Law: one edge cannot stop the others for longer than an honest
// CA would.
import type { OrderEnd, OrderResult } from '../../bundle/api.ts';
import type { OrderPause } from '../ports/order-book.ts';
import { ACCOUNT_WINDOW_MS, WEEK_MS } from './order-budget.ts';
import { registeredDomain } from './registered-domain.ts';

/** A CA that limits without saying for how long. */
export const PAUSE_MS_DEFAULT = 10 * 60_000;

/** Undefined: there is nothing to wait for. */
export function pauseAfter(
  { server, name, outcome, retryAfterMs, limit }: Pick<OrderEnd, 'server' | 'name'> & OrderResult,
  { node, renewal, nowMs }: { node: string; renewal: boolean; nowMs: number },
): OrderPause | undefined {
  const isLimited = outcome === 'rate_limited' || (outcome === 'failed' && retryAfterMs !== undefined);
  if (!isLimited) return undefined;
  const askedMs = Math.max(0, retryAfterMs ?? PAUSE_MS_DEFAULT);
  const until = (maxMs: number) => nowMs + Math.min(askedMs, maxMs);
  if (limit === 'name') return { server, scope: 'name', subject: name, untilMs: until(WEEK_MS), node };
  // A CA that counts renewals as well limits each by itself: new names say when theirs go on.
  if (limit === 'domain' && renewal) return { server, scope: 'name', subject: name, untilMs: until(WEEK_MS), node };
  if (limit === 'domain')
    return { server, scope: 'domain', subject: registeredDomain(name), untilMs: until(WEEK_MS), node };
  if (limit === 'account') return { server, scope: 'account', subject: node, untilMs: until(ACCOUNT_WINDOW_MS), node };
  return { server, scope: 'server', subject: '', untilMs: until(ACCOUNT_WINDOW_MS), node };
}
