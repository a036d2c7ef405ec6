// Asks the CA of each certificate that this edge orders when it would like it renewed (RFC 9773). Laws: one question at a time and at most one in two
// seconds; a CA that does not answer is left alone for a while; what is not known suggests nothing.
import { X509Certificate } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createBell } from './bell.ts';
import type { EdgeView, Log } from './certificate-orders.ts';
import type { CertificateShelf } from './certificate-shelf.ts';
import { ASK_AGAIN_MS, certificateId, suggestedMs } from './core/renewal-info.ts';
import type { HeldCertificate } from './ports/certificate-store.ts';
import type { RenewalInfo, RenewalInfoSource } from './ports/renewal-info.ts';

const PACE_MS = 2_000;
const LOOK_MS = 30_000;
/** A CA that failed, or that offers nothing. */
const REST_FAILED_MS = 300_000;
const REST_UNSUPPORTED_MS = 6 * 3_600_000;

export interface RenewalSuggestions {
  /** ms since the epoch: of the certificate that is held under this name now. */
  suggestedAt(name: string): number | undefined;
  /** There may be another certificate to ask about. */
  wake(): void;
  /** Until `signal` aborts. Never throws. */
  run(signal: AbortSignal): Promise<void>;
}

interface Parts {
  view(): EdgeView | undefined;
  shelf: CertificateShelf;
  source: RenewalInfoSource;
  /** A renewal may be due earlier now. */
  onSuggested(): void;
  log: Log;
  now(): number;
}

/** What is known of one certificate. */
interface Known {
  fingerprint256: string;
  askAtMs: number;
  /** Which of the CAs of the config is asked next: the one that issued it is not noted anywhere. */
  turn: number;
  atMs?: number;
}

interface Question {
  held: HeldCertificate;
  server: string;
  known: Known;
  /** There is no other CA to ask after this one. */
  isLast: boolean;
}

interface State {
  known: Map<string, Known>;
  /** CA → not asked before (ms). */
  rests: Map<string, number>;
}

export function createRenewalSuggestions(parts: Parts): RenewalSuggestions {
  const { view, shelf, now } = parts;
  const bell = createBell();
  const state: State = { known: new Map(), rests: new Map() };
  return {
    wake: bell.ring,
    suggestedAt(name) {
      const known = state.known.get(name);
      return known && known.fingerprint256 === shelf.get(name)?.fingerprint256 ? known.atMs : undefined;
    },
    async run(signal) {
      while (!signal.aborted) {
        const current = view();
        const next = current && nextToAsk(state, current, shelf, now());
        if (next) await askOne(state, next, parts, signal);
        if (next) await delay(PACE_MS, undefined, { signal }).catch(() => undefined);
        else await bell.wait(LOOK_MS, signal);
      }
    },
  };
}

/** Of those whose time has come, the one that waits longest. Forgets what is not ordered here any more. */
function nextToAsk(
  { known, rests }: State,
  view: EdgeView,
  shelf: CertificateShelf,
  now: number,
): Question | undefined {
  let next: Question | undefined;
  for (const name of known.keys()) if (view.certificates.get(name) !== view.config.node) known.delete(name);
  const { server, fallback } = view.config.edge.acme;
  const servers = fallback ? [server, fallback.server] : [server];
  for (const [name, orderer] of view.certificates) {
    const held = orderer === view.config.node ? shelf.get(name) : undefined;
    if (!held || held.source === 'imported' || held.notAfter <= now) continue;
    const before = known.get(name);
    const { fingerprint256 } = held;
    const each = before?.fingerprint256 === fingerprint256 ? before : { fingerprint256, askAtMs: now, turn: 0 };
    known.set(name, each);
    // A clock that was ahead and is set right puts nothing off for longer than a day.
    if (each.askAtMs > now + 4 * ASK_AGAIN_MS) each.askAtMs = now;
    const at = servers[each.turn % servers.length]!;
    if (each.askAtMs > now || (rests.get(at) ?? 0) > now || each.askAtMs >= (next?.known.askAtMs ?? Infinity)) continue;
    next = { held, server: at, known: each, isLast: (each.turn + 1) % servers.length === 0 };
  }
  return next;
}

async function askOne(
  { rests }: State,
  { held, server, known, isLast }: Question,
  { shelf, source, onSuggested, log, now }: Parts,
  signal: AbortSignal,
): Promise<void> {
  known.askAtMs = now() + ASK_AGAIN_MS;
  const { hostname } = held;
  const id = idOf((await shelf.pair(hostname).catch(() => undefined))?.fullchain);
  if (id === undefined) return;
  const info: RenewalInfo = await source
    .ask(server, id, signal)
    .catch((error: unknown) => ({ kind: 'failed', reason: String(error).slice(0, 200) }));
  if (info.kind === 'failed' || info.kind === 'unsupported')
    rests.set(server, now() + (info.kind === 'failed' ? REST_FAILED_MS : REST_UNSUPPORTED_MS));
  if (info.kind !== 'answered') {
    known.turn += 1;
    // The other CA at once; after both, this one when its rest is over.
    if (!isLast || info.kind !== 'unknown') known.askAtMs = now();
    return;
  }
  known.askAtMs = now() + info.askAgainMs;
  const before = known.atMs;
  if (info.window) known.atMs = suggestedMs(info.window, { name: hostname, ...held });
  else delete known.atMs;
  const ownMs = held.notAfter - (held.notAfter - held.notBefore) / 3;
  if (known.atMs === undefined || known.atMs === before || known.atMs >= ownMs) return;
  const { explanation } = info.window ?? {};
  log.info(
    { hostname, suggested: new Date(known.atMs).toISOString(), ...(explanation && { explanation }) },
    'the CA suggests to renew a certificate earlier',
  );
  onSuggested();
}

function idOf(fullchain: string | undefined): string | undefined {
  try {
    return fullchain === undefined ? undefined : certificateId(new X509Certificate(fullchain).raw);
  } catch {
    return undefined;
  }
}
