// A provider that wants to be left alone, and for how long.
import { KokoaError } from '../../bundle/error.ts';

/** dns_throttled. `retryAfterMs`: bounded by whoever makes it. */
export class ZoneThrottled extends KokoaError {
  readonly retryAfterMs: number;

  /** `provider`: as people call it. */
  constructor(provider: string, message: string, retryAfterMs: number) {
    super('dns_throttled', message, {
      hint: `${provider} takes no requests for ${Math.ceil(retryAfterMs / 1000)} s.`,
    });
    this.retryAfterMs = retryAfterMs;
  }
}
