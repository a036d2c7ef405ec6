// What somebody else had changed and was put back, in words. Law: a line in the log each time, and in every report the last time.
import { RESTORED_CHARACTERS_MAX, RESTORED_MAX } from '../bundle/api.ts';
import { changed, type Self } from './agent.ts';
import type { Log } from './news.ts';

export function sayRestored(done: readonly string[], log: Log): void {
  if (done.length > 0) log.warn({ done }, 'changed by somebody else; restored');
}

/** Worth a report at once, even when the state is what it was. */
export function noteRestored(self: Self, done: readonly string[], nowMs: number): void {
  if (done.length === 0) return;
  const what = done.slice(0, RESTORED_MAX).map((one) => one.slice(0, RESTORED_CHARACTERS_MAX));
  self.restored = { at: new Date(nowMs).toISOString(), what };
  changed(self);
}
