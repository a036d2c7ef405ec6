// What this edge knows of its pool's mailbox. Law: bounded whatever is in there; what does not fit is asked for again.
import type { PoolIdentity, RelayResponse, SealedCertificate } from '../bundle/api.ts';
import { isCanonicalHostname } from '../bundle/certificate-name.ts';
import type { EdgeView } from './certificate-orders.ts';
import type { CertificateShelf } from './certificate-shelf.ts';
import { exposedTo } from './core/exposure.ts';
import type { LastPut, MailboxEntry } from './core/hand-over.ts';
import { isSealedCertificate } from './core/sealed-certificate.ts';

/** Of sealed texts that wait to be judged: 10 000 certificates have 64 MB. */
export const PENDING_CHARACTERS_MAX = 64 * 1024 * 1024;
export const ENTRIES_MAX = 200_000;
/** Everything is asked for again at most this often. */
export const ASK_AGAIN_MS = 10_000;
/** How often everything is read again while something is lacking that was never announced. */
export const FULL_READ_MS = 600_000;

export interface MailboxState {
  pool: string;
  /** Sequence of the last answer. */
  since: number;
  /** The next poll asks for everything. */
  all: boolean;
  /** Ends the poll under way, so that another one can ask for something else. */
  interrupt(): void;
  read: boolean;
  relayedIdentity: PoolIdentity | undefined;
  entries: Map<string, MailboxEntry>;
  /** Items not judged yet, or judged `later`. */
  pending: Map<string, SealedCertificate>;
  pendingCharacters: number;
  lackingSince: Map<string, number>;
  putAt: Map<string, LastPut>;
  askedAgainMs: number;
}

export function createMailboxState(pool: string, nowMs: number): MailboxState {
  return {
    pool,
    since: 0,
    all: true,
    interrupt() {},
    read: false,
    relayedIdentity: undefined,
    entries: new Map(),
    pending: new Map(),
    pendingCharacters: 0,
    lackingSince: new Map(),
    putAt: new Map(),
    askedAgainMs: nowMs,
  };
}

/** Forgets everything but the poll under way. */
export function resetMailbox(state: MailboxState, pool: string, nowMs: number): void {
  const { interrupt } = state;
  Object.assign(state, createMailboxState(pool, nowMs), { interrupt });
}

/** Takes an answer apart. A sequence that went back means that the mailbox was lost: everything is asked for again. */
export function absorb(
  state: MailboxState,
  relay: RelayResponse,
  view: EdgeView,
  shelf: CertificateShelf,
  now: number,
): void {
  const sequence = Number.isSafeInteger(relay.sequence) && relay.sequence >= 0 ? relay.sequence : state.since;
  if (sequence < state.since) {
    resetMailbox(state, state.pool, now);
    return;
  }
  state.since = sequence;
  state.read = true;
  if (typeof relay.identity === 'object' && relay.identity !== null) state.relayedIdentity = relay.identity;
  for (const item of Array.isArray(relay.certificates) ? relay.certificates : []) {
    if (isSealedCertificate(item) && isCanonicalHostname(item.hostname)) absorbOne(state, item, view, shelf, now);
  }
}

function absorbOne(
  state: MailboxState,
  item: SealedCertificate,
  view: EdgeView,
  shelf: CertificateShelf,
  now: number,
): void {
  const { hostname, by, recipient, signature } = item;
  const before = state.entries.get(hostname);
  if (!before && state.entries.size >= ENTRIES_MAX) return;
  const notBefore = Date.parse(item.notBefore);
  if (before?.refused && before.signature === signature) return;
  const entry = {
    by,
    recipient,
    signature,
    notBefore,
    notAfter: Date.parse(item.notAfter),
    seenMs: before?.seenMs ?? now,
    ...(before?.toldOf !== undefined && { toldOf: before.toldOf }),
  };
  state.entries.set(hostname, entry);
  const budget = view.certificates.has(hostname) ? PENDING_CHARACTERS_MAX : PENDING_CHARACTERS_MAX / 2;
  const held = shelf.isServed(hostname, now) ? shelf.get(hostname) : undefined;
  const isExposed = held !== undefined && exposedTo(held, view.config.edge.compromised).length > 0;
  const known = held?.notBefore === notBefore && !isExposed;
  forget(state, hostname);
  if (known || state.pendingCharacters + item.sealed.length > budget) return;
  state.pending.set(hostname, item);
  state.pendingCharacters += item.sealed.length;
}

/** Drops an item that was judged. */
export function forget(state: MailboxState, hostname: string): void {
  const item = state.pending.get(hostname);
  if (!item) return;
  state.pending.delete(hostname);
  state.pendingCharacters -= item.sealed.length;
}

/**
 * Asks for everything again when the mailbox has what this edge lacks and no text of it is held. Also, seldom, while another
 * edge's hostname is lacking: a mailbox that was lost and filled again may have reached the same sequence unseen.
 * Answers when to look again (ms), if ever.
 */
export function askAgain(
  state: MailboxState,
  view: EdgeView,
  shelf: CertificateShelf,
  now: number,
): number | undefined {
  let dueMs = Number.POSITIVE_INFINITY;
  for (const [hostname, orderer] of view.certificates) {
    if (shelf.isServed(hostname, now) || state.pending.has(hostname)) continue;
    const entry = state.entries.get(hostname);
    if (entry && !entry.refused && entry.notAfter > now) dueMs = state.askedAgainMs + ASK_AGAIN_MS;
    else if (orderer !== view.config.node) dueMs = Math.min(dueMs, state.askedAgainMs + FULL_READ_MS);
  }
  if (now < dueMs) return Number.isFinite(dueMs) ? dueMs : undefined;
  state.askedAgainMs = now;
  state.all = true;
  state.interrupt();
  return now + ASK_AGAIN_MS;
}
