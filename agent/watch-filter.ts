// Puts the packet filter back. Law: it is looked at every second, whatever the queue is at and whatever else cannot be restored: without it
// every port of this machine is open to the edges.
import { type Agent, type Self, told } from './agent.ts';
import { attempt } from './attempt.ts';
import { pause } from './follow.ts';
import { noteRestored, sayRestored } from './watch-restored.ts';

/** Looks until `signal` aborts. Never throws. */
export async function watchFilter(self: Self, { machine, log, pace }: Agent, signal: AbortSignal): Promise<void> {
  const { news } = self;
  while (!signal.aborted) {
    await pause(pace.watchMs, signal);
    if (signal.aborted) return;
    const { value, failure } = await attempt('watch', () => machine.network.restoreFilter());
    if (failure) {
      news.trouble('filter', failure.code, told(failure), 'cannot restore the packet filter; will try again');
      continue;
    }
    news.over('filter', 'the packet filter stands again');
    sayRestored(value, log);
    noteRestored(self, value, machine.now());
  }
}
