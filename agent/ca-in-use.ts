// The certificate authority that this edge uses now: the first of its config, or for a while the fallback. Law: each change is said once and
// kept over restarts; a note that cannot be kept changes nothing of what is served.
import type { EdgePart } from '../bundle/config.ts';
import { afterCaFailure, afterCaSuccess, type CaSituation, type CaStanding, chooseCa } from './core/ca-choice.ts';
import type { CaStandingStore } from './ports/ca-standing-store.ts';
import type { AcmeServer } from './ports/certificate-authority.ts';

const REASON_CHARACTERS_MAX = 300;

export interface CaInUse {
  /** The one to use from now on. `dueLifetimesMs` as of CaSituation. Never throws. */
  choose(acme: EdgePart['acme'], dueLifetimesMs: CaSituation['dueLifetimesMs']): Promise<AcmeServer>;
  /** An order or a registration there failed. */
  failed(at: AcmeServer, code: string): void;
  /** It issued a good certificate. */
  issued(at: AcmeServer): void;
}

interface Parts {
  store: CaStandingStore;
  log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  now(): number;
}

export function createCaInUse({ store, log, now }: Parts): CaInUse {
  let standing: CaStanding | undefined;
  let kept: CaStanding | undefined;
  let isRead = false;

  async function keep(): Promise<void> {
    if (standing === undefined || standing === kept) return;
    const wanted = standing;
    try {
      await store.write(wanted);
    } catch (error) {
      const reason = String(error).slice(0, REASON_CHARACTERS_MAX);
      log.warn({ reason }, 'which CA is used could not be kept; a restart begins with the first one');
    }
    // Not tried again before it is another: a full disk is said elsewhere, and once here.
    kept = wanted;
  }

  function tell(before: CaStanding | undefined, { server, fallback }: EdgePart['acme']): void {
    const [was, is] = [before?.fellBackMs !== undefined, standing?.fellBackMs !== undefined];
    if (is && !was)
      log.warn({ server, fallback: fallback?.server }, 'the CA refuses for too long: the fallback is used for a day');
    if (was && !is) log.info({ server }, 'the first CA is used again');
  }

  const update = (at: AcmeServer, change: (of: CaStanding) => CaStanding) => {
    if (standing?.server === at.server) standing = change(standing);
  };

  return {
    async choose(acme, dueLifetimesMs) {
      if (!isRead) {
        standing = await store.read();
        kept = standing;
        isRead = true;
      }
      const { server, email, fallback } = acme;
      const hasFallback = fallback !== undefined && fallback.server !== server;
      const before = standing;
      standing = chooseCa(before, { server, hasFallback, dueLifetimesMs, now: now() });
      tell(before, acme);
      await keep();
      if (standing.fellBackMs !== undefined && fallback) return fallback;
      return { server, ...(email !== undefined && { email }) };
    },
    failed: (at, code) => update(at, (of) => afterCaFailure(of, code, now())),
    issued: (at) => update(at, afterCaSuccess),
  };
}
