// The certificates on disk, which a person may import or damage, looked at again and again. Law: an entry that cannot be used is said once, and
// its hostname is asked of the pool before anything is ordered.
import { hostnameOfFolder } from '../bundle/certificate-name.ts';
import { type Bell, createBell } from './bell.ts';
import type { Log } from './certificate-orders.ts';
import type { CertificateShelf } from './certificate-shelf.ts';
import { createNews } from './news.ts';

/** How often the disk is read. */
const REFRESH_MS = 30_000;
/** Between two looks, however often hostnames without a certificate come. */
const REFRESH_REST_MS = 1_000;
const REASON_CHARACTERS_MAX = 300;

interface DiskParts {
  shelf: Pick<CertificateShelf, 'refresh' | 'all'>;
  /** The certificate of this hostname is torn, or a person took it away; it may still stand in the pool's mailbox. */
  lost(hostname: string): void;
  log: Log;
}

export interface CertificatesDisk {
  /** Looks once. Never throws. */
  read(): Promise<void>;
  /** Look soon. */
  ring: Bell['ring'];
  /** Looks until `signal` aborts, and says each time that it did. Never throws. */
  run(onRead: () => void, signal: AbortSignal): Promise<void>;
}

export function watchDisk({ shelf, lost, log }: DiskParts): CertificatesDisk {
  const bell = createBell();
  const news = createNews(log);
  let strange: string[] = [];

  async function read(): Promise<void> {
    try {
      const before = namesIn(shelf);
      const found = await shelf.refresh();
      const after = namesIn(shelf);
      for (const name of before) if (!after.has(name)) lost(name);
      for (const entry of strange.filter((each) => !found.some((other) => other.entry === each)))
        news.over(entry, 'a certificate on disk is usable again, or gone');
      for (const { entry, reason } of found) {
        if (!strange.includes(entry)) lost(hostnameOfFolder(entry) ?? entry);
        news.trouble(entry, reason, { entry, reason }, 'a certificate on disk is not usable');
      }
      strange = found.map(({ entry }) => entry);
      news.over('disk', 'the certificates on disk can be read again');
    } catch (error) {
      const reason = String(error).slice(0, REASON_CHARACTERS_MAX);
      news.trouble('disk', reason, { reason }, 'the certificates on disk could not be read');
    }
  }

  return {
    read,
    ring: bell.ring,
    async run(onRead, signal) {
      const rest = createBell();
      while (!signal.aborted) {
        await bell.wait(REFRESH_MS, signal);
        if (signal.aborted) return;
        await read();
        onRead();
        await rest.wait(REFRESH_REST_MS, signal);
      }
    },
  };
}

function namesIn(shelf: Pick<CertificateShelf, 'all'>): Set<string> {
  return new Set([...shelf.all()].map(({ hostname }) => hostname));
}
