// What an order or a registration that failed says of itself: for the log, and for when to try again.
import { KokoaError } from '../bundle/error.ts';

/** ms that the CA asked to wait; 0: it did not. */
export function retryAfterOf(error: unknown): number {
  const cause = error instanceof KokoaError ? error.cause : undefined;
  const ms = (cause as { retryAfterMs?: unknown } | undefined)?.retryAfterMs;
  return typeof ms === 'number' ? ms : 0;
}

export function describeFailure(error: unknown): { code: string; detail: string; hint?: string } {
  if (!(error instanceof KokoaError)) return { code: 'unexpected', detail: String(error).slice(0, 300) };
  return { code: error.code, detail: error.message, ...(error.hint && { hint: error.hint }) };
}
