// The pool's mailbox: reads it by long poll, takes what other members ordered, gives what this edge holds. Everything in it is
// hostile until judged; one bad item costs its own hostname and nothing else.
import type { KeyObject } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { RelayResponse } from '../bundle/api.ts';
import { createBell } from './bell.ts';
import type { EdgeView, Log } from './certificate-orders.ts';
import type { CertificateShelf } from './certificate-shelf.ts';
import { noticeStepsBack } from './clock-step.ts';
import { giveCertificates } from './give-certificates.ts';
import { absorb, askAgain, createMailboxState, type MailboxState, resetMailbox } from './mailbox-state.ts';
import { createNews, type News } from './news.ts';
import type { PoolIdentityHolder } from './pool-identity.ts';
import type { PoolRecipients } from './pool-recipients.ts';
import type { ControlPlane, Unavailable } from './ports/control-plane.ts';
import type { Sealing } from './ports/sealing.ts';
import { takeCertificates } from './take-certificates.ts';

export const POLL_SECONDS = 50;
/** Two polls are at least this far apart, whatever the other side answers. */
export const POLL_PACE_MS = 250;
/** So long an edge waits for a certificate that stands in the mailbox and cannot be used yet, before it orders its own. */
export const HAND_OVER_PATIENCE_MS = 60_000;
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 30_000;
const TICK_MS = 60_000;

export interface MailboxDependencies {
  view(): EdgeView | undefined;
  shelf: CertificateShelf;
  identity: PoolIdentityHolder;
  recipients: Pick<PoolRecipients, 'unapproved'>;
  signingKey: KeyObject;
  sealing: Sealing;
  control: Pick<ControlPlane, 'relay' | 'putCertificate'>;
  /** A certificate of another member was stored. */
  onReceived(hostname: string): void;
  /** The mailbox was read and what is due was done. */
  onSettled(): void;
  explain(hostname: string, reason: string | undefined): void;
  log: Log;
  now(): number;
}

type Told = MailboxDependencies & { news: News };

export interface Mailbox {
  wake(): void;
  /** True when the mailbox was read once and the pool's identity is held: what it offers is known. */
  ready(): boolean;
  /** What was held of this hostname is of no use any more: its copy here is expected anew. */
  lost(hostname: string): void;
  /** ms until when another member may still hand this hostname's certificate over. */
  expectedUntil(hostname: string): number | undefined;
  run(signal: AbortSignal): Promise<void>;
}

export function createMailbox(dependencies: MailboxDependencies): Mailbox {
  const { view, identity, log, now, onSettled } = dependencies;
  const state = createMailboxState('', now());
  const told: Told = { ...dependencies, news: createNews(log) };
  const bell = createBell();
  const wentBack = noticeStepsBack(now);

  return {
    wake: () => bell.ring(),
    ready: () => state.read && state.pool === view()?.config.edge.pool && identity.held() !== undefined,
    lost(hostname) {
      const entry = state.entries.get(hostname);
      if (entry && !entry.refused) entry.seenMs = now();
    },
    expectedUntil(hostname) {
      const entry = state.entries.get(hostname);
      // A refused one counts too: it may be of a machine that was replaced, and another member holds the good one.
      if (!entry || entry.notAfter <= now()) return undefined;
      return entry.seenMs + HAND_OVER_PATIENCE_MS;
    },
    async run(signal) {
      await Promise.all([receive(state, told, bell.ring, signal), work(signal)]);
    },
  };

  async function settleOrSay(): Promise<number> {
    try {
      const wakeAtMs = await settle(state, dependencies);
      told.news.over('served', 'the pool mailbox is served again');
      return wakeAtMs;
    } catch (error) {
      const reason = String(error).slice(0, 300);
      told.news.trouble('served', reason, { reason }, 'the pool mailbox could not be served; trying again');
      return now() + RETRY_MS_MAX;
    }
  }

  async function work(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (wentBack()) readAnew(state, now());
      const wakeAtMs = await settleOrSay();
      onSettled();
      await bell.wait(Math.min(TICK_MS, wakeAtMs - now()), signal);
    }
  }
}

/** Nothing of what was put off, or expected, by another time of day counts. */
function readAnew(state: MailboxState, nowMs: number): void {
  const { interrupt } = state;
  resetMailbox(state, state.pool, nowMs);
  interrupt();
}

/** Identity first, then what others sent, then what others lack. Answers when to look again without news (ms). */
async function settle(state: MailboxState, dependencies: MailboxDependencies): Promise<number> {
  const { view, identity, shelf, now } = dependencies;
  const current = view();
  if (current && state.pool !== current.config.edge.pool) state.interrupt();
  if (!current || !state.read || state.pool !== current.config.edge.pool) return Number.POSITIVE_INFINITY;
  const identityAtMs = await identity.settle(current.config, state.relayedIdentity);
  await takeCertificates(state, current, dependencies);
  const askedAtMs = identity.held() ? askAgain(state, current, shelf, now()) : undefined;
  const giveAtMs = await giveCertificates(state, current, dependencies);
  return Math.min(...[identityAtMs, askedAtMs, giveAtMs].map((at) => at ?? Number.POSITIVE_INFINITY));
}

async function receive(state: MailboxState, dependencies: Told, ring: () => void, signal: AbortSignal): Promise<void> {
  const { view, shelf, now } = dependencies;
  while (!signal.aborted) {
    const startedMs = performance.now();
    let paceMs = POLL_PACE_MS;
    const pool = view()?.config.edge.pool;
    if (pool !== undefined) {
      // An edge that moved to another pool knows nothing of that one's mailbox.
      if (state.pool !== pool) resetMailbox(state, pool, now());
      const answer = await poll(state, dependencies, signal);
      if (signal.aborted) return;
      const current = view();
      if (answer.kind === 'answered' && current?.config.edge.pool === pool) {
        absorb(state, answer.relay, current, shelf, now());
        ring();
      }
      if (answer.kind === 'failed') paceMs = performance.now() - startedMs + answer.retryMs;
    }
    await delay(Math.max(0, paceMs - (performance.now() - startedMs)), undefined, { signal }).catch(() => undefined);
  }
}

type Polled =
  | { kind: 'answered'; relay: RelayResponse }
  | { kind: 'interrupted' }
  | { kind: 'failed'; retryMs: number };

async function poll(state: MailboxState, { control, news }: Told, signal: AbortSignal): Promise<Polled> {
  const interruption = new AbortController();
  state.interrupt = () => interruption.abort();
  const since = state.all ? 0 : state.since;
  state.all = false;
  const either = AbortSignal.any([signal, interruption.signal]);
  const answer = await control
    .relay(since, since === 0 ? 0 : POLL_SECONDS, either)
    .catch(
      (error: unknown): Unavailable => ({ kind: 'unreachable', message: String(error), retryAfterMs: RETRY_MS_MAX }),
    );
  if (interruption.signal.aborted) return { kind: 'interrupted' };
  if (answer.kind === 'answered' && typeof answer.relay === 'object' && answer.relay !== null) {
    news.over('mailbox', 'the pool mailbox answers again');
    return answer;
  }
  if (answer.kind === 'answered') return { kind: 'failed', retryMs: RETRY_MS_MIN };
  // Another reason is another state; another count of milliseconds is not.
  news.trouble(
    'mailbox',
    answer.message.replace(/[0-9]+/g, ''),
    { reason: answer.message },
    'the pool mailbox does not answer',
  );
  state.all ||= since === 0;
  const askedMs = answer.kind === 'unreachable' ? answer.retryAfterMs : RETRY_MS_MAX;
  return { kind: 'failed', retryMs: Math.min(RETRY_MS_MAX, Math.max(RETRY_MS_MIN, askedMs)) };
}
