// One channel on which operators are told things. Law: what becomes of a message is a value; nothing here throws, and no reason holds a
// credential, or the URL of a channel, which is one.
import type { Notice } from '../core/notify/event.ts';

export type Sent =
  | { outcome: 'sent' }
  /** `afterMs`: as the other side wants it; undefined: it did not say. */
  | { outcome: 'retry'; reason: string; afterMs?: number }
  /** The same message would be refused again. */
  | { outcome: 'refused'; reason: string };

export interface Notifier {
  /** Ends within seconds, and at once when `signal` aborts. Never throws. */
  send(notice: Notice, signal: AbortSignal): Promise<Sent>;
}
