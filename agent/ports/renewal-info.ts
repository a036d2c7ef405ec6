// What a CA says about renewing a certificate, asked without an account (RFC 9773 §4).
import type { SuggestedWindow } from '../core/renewal-info.ts';

export type RenewalInfo =
  /** `window` undefined: it has no opinion that can be read. `askAgainMs` is bounded. */
  | { kind: 'answered'; window: SuggestedWindow | undefined; askAgainMs: number }
  /** It does not know this certificate. */
  | { kind: 'unknown' }
  /** Its directory offers no such thing. */
  | { kind: 'unsupported' }
  | { kind: 'failed'; reason: string };

export interface RenewalInfoSource {
  /** `server`: URL of the ACME directory; `certificateId`: of RFC 9773 §4.1. One request, or two when the directory is old. Never throws. */
  ask(server: string, certificateId: string, signal: AbortSignal): Promise<RenewalInfo>;
}
