// Certificates that people bring for routes: each sealed text is opened with the pool's identity, judged, and stored where nginx looks for it.
// Laws: what does not open or does not pass leaves what is held in place, and says why; nothing of a key is ever logged.
import type { Chunk } from '../bundle/config.ts';
import { createBell } from './bell.ts';
import type { CertificateShelf } from './certificate-shelf.ts';
import { judgeGiven, ownCertificates } from './core/own-certificate.ts';
import { createNews, type Log } from './news.ts';
import type { PoolKeyring } from './ports/pool-keyring.ts';
import type { Sealing } from './ports/sealing.ts';

export interface OwnCertificatesParts {
  shelf: Pick<CertificateShelf, 'get' | 'pair' | 'put'>;
  keyring: Pick<PoolKeyring, 'load'>;
  sealing: Pick<Sealing, 'open'>;
  /** Why a hostname has no certificate; undefined: it has, or it is not known here. */
  explain(hostname: string, reason: string | undefined): void;
  /** The next handshake may use it. */
  onStored(hostname: string): void;
  log: Log;
  /** ms since the epoch. */
  now(): number;
}

export interface OwnCertificates {
  /** The routes that are served now. Cheap. */
  configure(chunks: readonly Chunk[]): void;
  /** Something else was stored, or the pool has another identity: look soon. */
  wake(): void;
  /** Works until `signal` aborts. Never throws. */
  run(signal: AbortSignal): Promise<void>;
  /** Hostname → why what was brought for it is not served; what is held is. */
  troubles(): ReadonlyMap<string, string>;
}

/** As long as something does not open. */
const RETRY_MS = 2_000;
/** The shelf is compared with what was stored; what did not pass is judged again, because time may have changed it. */
const LOOK_MS = 60_000;
const REASON_CHARACTERS_MAX = 300;

const NOT_SENT = 'the control plane has no usable certificate for it: its log says why';
const NO_KEY = 'the certificate brought for it waits for the key of the pool';
const NOT_OPENED = 'the certificate brought for it does not open with the key of the pool';

/** The last try for a sealed text; `recipient`: of the identity that was held; `atMs`: of `now`. */
interface Tried {
  sealed: string;
  recipient: string;
  atMs: number;
  /** Absent: it did not pass. */
  fingerprint256?: string;
}

export function createOwnCertificates(parts: OwnCertificatesParts): OwnCertificates {
  const { shelf, keyring, sealing, explain, onStored, log, now } = parts;
  const bell = createBell();
  const news = createNews(log);
  let wanted: ReadonlyMap<string, string | undefined> = new Map();
  const tried = new Map<string, Tried>();
  const troubles = new Map<string, string>();

  function settle(hostname: string, reason: string | undefined): void {
    const text = reason?.slice(0, REASON_CHARACTERS_MAX);
    if (troubles.get(hostname) === text) return;
    if (text === undefined) troubles.delete(hostname);
    else troubles.set(hostname, text);
    explain(hostname, text);
  }

  async function check(hostname: string, sealed: string | undefined): Promise<void> {
    if (sealed === undefined) return settle(hostname, NOT_SENT);
    const before = tried.get(hostname);
    if (before?.sealed === sealed && isOnShelf(hostname, before.fingerprint256)) return;
    const held = await keyring.load();
    if (!held) return settle(hostname, NO_KEY);
    const isTriedNow = before !== undefined && before.atMs <= now() && now() < before.atMs + LOOK_MS;
    const isSame = before?.sealed === sealed && before.recipient === held.recipient;
    if (isSame && isTriedNow && before.fingerprint256 === undefined) return;
    tried.set(hostname, { sealed, recipient: held.recipient, atMs: now() });
    const text = await sealing.open(held.identity, sealed).catch(() => undefined);
    if (text === undefined) return settle(hostname, NOT_OPENED);
    await keep(hostname, sealed, held.recipient, text);
  }

  function isOnShelf(hostname: string, fingerprint256: string | undefined): boolean {
    const held = shelf.get(hostname);
    return fingerprint256 !== undefined && held?.source === 'given' && held.fingerprint256 === fingerprint256;
  }

  async function keep(hostname: string, sealed: string, recipient: string, text: string): Promise<void> {
    const judged = judgeGiven(hostname, text, now());
    if (!judged.ok) return settle(hostname, `the certificate brought for it is refused: ${judged.reason}`);
    const { certificate } = judged;
    const { fingerprint256, notAfter } = certificate;
    try {
      const isStored =
        isOnShelf(hostname, fingerprint256) && (await shelf.pair(hostname))?.fullchain === certificate.fullchain;
      // The routes may have changed while it was opened.
      if (wanted.get(hostname) !== sealed) return;
      if (!isStored) {
        await shelf.put(hostname, certificate, 'given');
        log.info(
          { hostname, notAfter: new Date(notAfter).toISOString() },
          'stored the certificate brought for a route',
        );
        onStored(hostname);
      }
    } catch (error) {
      return settle(hostname, `the certificate brought for it cannot be stored: ${(error as Error).message}`);
    }
    tried.set(hostname, { sealed, recipient, atMs: now(), fingerprint256 });
    settle(hostname, undefined);
  }

  async function look(): Promise<void> {
    for (const [hostname, sealed] of wanted) await check(hostname, sealed);
    tell();
  }

  function tell(): void {
    const [first] = troubles;
    if (!first) {
      news.over('own certificates', 'all certificates brought for routes are served');
      return;
    }
    const fields = { hosts: troubles.size, hostname: first[0], reason: first[1] };
    news.trouble('own certificates', JSON.stringify(fields), fields, 'a certificate brought for a route is not served');
  }

  return {
    configure(chunks) {
      wanted = ownCertificates(chunks);
      for (const hostname of tried.keys()) if (!wanted.has(hostname)) tried.delete(hostname);
      for (const hostname of troubles.keys()) if (!wanted.has(hostname)) settle(hostname, undefined);
      bell.ring();
    },
    wake: bell.ring,
    async run(signal) {
      while (!signal.aborted) {
        await look().catch((error) => {
          const reason = String((error as Error).message).slice(0, REASON_CHARACTERS_MAX);
          log.warn({ reason }, 'the certificates brought for routes could not be settled');
        });
        await bell.wait(troubles.size > 0 ? RETRY_MS : LOOK_MS, signal);
      }
    },
    troubles: () => troubles,
  };
}
