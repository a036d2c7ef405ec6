// How an order ended, as the fleet counts it. The words are those of the CA, so they decide only for how long others wait. Law: everybody waits
// only where the CA itself named a time.
import type { OrderResult } from '../../bundle/api.ts';
import { KokoaError } from '../../bundle/error.ts';

/** In this order: the words of one limit contain those of another. https://letsencrypt.org/docs/rate-limits/ */
const LIMITS: readonly { words: RegExp; limit: NonNullable<OrderResult['limit']> }[] = [
  { words: /exact (?:set|same)|failed (?:authorization|validation)/i, limit: 'name' },
  { words: /already issued for "|registered domain/i, limit: 'domain' },
  {
    words: /new orders|new registrations|pending (?:authorizations|orders)|from this (?:account|IP)/i,
    limit: 'account',
  },
];

/** `error`: what the order threw before the CA issued anything. */
export function endOfFailure(error: unknown): OrderResult {
  if (!(error instanceof KokoaError)) return { outcome: 'failed' };
  const { code, message } = error;
  if (code === 'acme_validation_failed') return { outcome: 'validation_failed' };
  const ms = (error.cause as { retryAfterMs?: unknown } | undefined)?.retryAfterMs;
  const retryAfterMs = typeof ms === 'number' && ms >= 0 && Number.isFinite(ms) ? Math.ceil(ms) : undefined;
  const asked = retryAfterMs === undefined ? {} : { retryAfterMs };
  if (code !== 'acme_rate_limited') return { outcome: 'failed', ...asked };
  const found = LIMITS.find(({ words }) => words.test(message));
  const limit = found?.limit ?? (retryAfterMs === undefined ? 'account' : undefined);
  return { outcome: 'rate_limited', ...asked, ...(limit !== undefined && { limit }) };
}
