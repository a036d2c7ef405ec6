// Follows the control plane by long poll. Law: whatever it answers or does not answer, what runs goes on, and it is never asked
// without a pause.
import { setTimeout as delay } from 'node:timers/promises';
import type PQueue from 'p-queue';
import { type Agent, changed, isStale, type Self } from './agent.ts';
import { noteClock } from './clock.ts';
import { converge } from './converge.ts';
import type { Outcome } from './converge-outcome.ts';
import { reasonOf } from './core/mistake.ts';
import { doubled } from './pace.ts';
import type { Unavailable } from './ports/control-plane.ts';
import { settle } from './settle.ts';

/** What is remembered from one poll to the next. */
export interface Polling {
  etag?: string;
  /** The last bundle lacked a part that was thought to be here: ask for all of it, once. */
  everything: boolean;
}

export type Polled =
  | { kind: 'outcome'; outcome: Outcome; news: boolean }
  | { kind: 'unchanged' }
  | { kind: 'unavailable'; message: string; retryAfterMs: number };

/** Polls until `signal` aborts. Never throws. */
export async function follow(self: Self, agent: Agent, queue: PQueue, signal: AbortSignal): Promise<void> {
  const polling: Polling = { everything: false };
  let failures = 0;
  let idle = 0;
  while (!signal.aborted) {
    const started = performance.now();
    // Whoever was not heard is asked for an answer, and not for news: that it is back shows at once.
    const waitSeconds = failures > 0 ? 0 : agent.pace.pollSeconds;
    const polled = await poll(polling, self, agent, queue, { waitSeconds, signal });
    if (signal.aborted) return;
    hear(self, agent, polled);
    failures = polled.kind === 'unavailable' ? failures + 1 : 0;
    idle = polled.kind === 'unchanged' || (polled.kind === 'outcome' && !polled.news) ? idle + 1 : 0;
    if (polled.kind === 'unavailable') await pause(retryMs(polled, failures, agent), signal);
    else if (idle > 1) await pause(agent.pace.idleMs - (performance.now() - started), signal);
  }
}

/** Asks once; what is offered goes all the way, in turn with everything else that changes the machine. Never throws. */
export async function poll(
  polling: Polling,
  self: Self,
  agent: Agent,
  queue: PQueue,
  { waitSeconds, signal }: { waitSeconds: number; signal?: AbortSignal },
): Promise<Polled> {
  try {
    const root = await noteRoot(self, agent);
    const have = polling.everything ? undefined : self.running?.configHash;
    const offer = await agent.control.offer(
      {
        root,
        waitSeconds,
        ...(have && { have }),
        ...(polling.etag && !polling.everything && { etag: polling.etag }),
      },
      signal,
    );
    // What was refused for its time was not judged: it has to be offered again.
    if (noteClock(self, agent, offer)) delete polling.etag;
    if (offer.kind === 'unchanged') return offer;
    if (offer.kind !== 'bundle') return unavailable(offer, self, agent, signal);
    const outcome = await queue.add(() => convergeInTurn(offer.bundle, self, agent));
    return taken(outcome!, offer.etag, polling);
  } catch (error) {
    self.news.trouble('control plane', 'error', { reason: String(error) }, 'cannot ask the control plane');
    return { kind: 'unavailable', message: String(error), retryAfterMs: 0 };
  }
}

async function convergeInTurn(offered: Parameters<typeof converge>[0], self: Self, agent: Agent) {
  self.converging = true;
  try {
    const before = self.running?.configHash;
    const outcome = await converge(offered, self.running, self.condemned, agent.machine);
    settle(self, agent, outcome);
    return { outcome, news: outcome.kind === 'applied' && outcome.bundle.configHash !== before };
  } finally {
    self.converging = false;
  }
}

/** Decides what the next poll says it has. */
function taken({ outcome, news }: { outcome: Outcome; news: boolean }, etag: string, polling: Polling): Polled {
  const unverified = outcome.kind === 'refused' && outcome.stage === 'verify' ? outcome : undefined;
  polling.everything = unverified?.code === 'missing_file' && !polling.everything;
  polling.etag = etag;
  if (unverified?.fault !== 'machine') return { kind: 'outcome', outcome, news };
  // Nobody has judged this bundle yet: it has to be offered again.
  delete polling.etag;
  return { kind: 'unavailable', message: unverified.detail, retryAfterMs: 0 };
}

/** The newest root that is trusted. That it is another one is said once: the keys of the control plane were replaced. */
async function noteRoot(self: Self, { machine, log }: Agent): Promise<number> {
  const before = self.rootVersion ?? 0;
  const root = await machine.trusted.rootVersion();
  if (root !== before) {
    self.rootVersion = root;
    if (before > 0) {
      log.info({ root, before }, 'trusts a newer root: the control plane has new keys');
      changed(self);
    }
  }
  return root;
}

function unavailable(offer: Unavailable, self: Self, { machine }: Agent, signal: AbortSignal | undefined): Polled {
  const { kind, message } = offer;
  // Only another kind is news for the disk: the words may differ with every try.
  if (!signal?.aborted && self.silence?.kind !== kind)
    self.silence = { kind, since: new Date(machine.now()).toISOString(), reason: reasonOf(message) };
  // Another reason is another state; another count of milliseconds is not.
  const state = `${kind}: ${message.replace(/[0-9]+/g, '')}`;
  if (!signal?.aborted) self.news.trouble('control plane', state, { reason: kind }, message);
  return { kind: 'unavailable', message, retryAfterMs: offer.kind === 'unreachable' ? offer.retryAfterMs : 0 };
}

/** Notes whether anybody is there, and says once when the last word has expired. */
function hear(self: Self, { machine }: Agent, polled: Polled): void {
  self.unheard = polled.kind === 'unavailable';
  if (polled.kind !== 'unavailable') {
    delete self.silence;
    self.news.over('control plane', 'the control plane answers again');
    self.news.over('stale', 'no longer stale');
  } else if (isStale(self, machine.now())) {
    self.news.trouble('stale', 'stale', {}, 'stale: the last word of the control plane has expired; serving on');
  }
}

/** Doubled with every failure, spread over half of it; a server that asks for a longer pause than ours gets it. */
function retryMs({ retryAfterMs }: { retryAfterMs: number }, failures: number, { pace }: Agent): number {
  if (retryAfterMs > pace.retryMsMax) return retryAfterMs;
  return doubled(pace.retryMs, pace.retryMsMax, failures) * (0.5 + Math.random() / 2);
}

export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await delay(ms, undefined, { signal }).catch(() => undefined);
}
