// The certificates of this edge in memory, in step with those on disk. What is stored was judged; what is asked is answered
// without touching the disk.
import type { AcceptedCertificate } from './core/certificate.ts';
import type {
  CertificatePair,
  CertificateSource,
  CertificateStore,
  HeldCertificate,
} from './ports/certificate-store.ts';

export interface CertificateShelf {
  /** Reads the disk again: a person may have imported one. Answers entries that are torn or foreign. */
  refresh(): Promise<{ entry: string; reason: string }[]>;
  get(hostname: string): HeldCertificate | undefined;
  all(): Iterable<HeldCertificate>;
  isServed(hostname: string, now: number): boolean;
  put(hostname: string, certificate: AcceptedCertificate, source: CertificateSource): Promise<void>;
  pair(hostname: string): Promise<CertificatePair | undefined>;
  /** Grows with every change. */
  revision(): number;
}

export function createCertificateShelf(store: CertificateStore): CertificateShelf {
  let held = new Map<string, HeldCertificate>();
  let revision = 0;
  return {
    async refresh() {
      const before = revision;
      const found = await store.list();
      // Something was stored meanwhile: the list may be older than that.
      if (revision === before) held = new Map(found.held.map((certificate) => [certificate.hostname, certificate]));
      revision += 1;
      return found.strange;
    },
    get: (hostname) => held.get(hostname),
    all: () => held.values(),
    isServed: (hostname, now) => (held.get(hostname)?.notAfter ?? 0) > now,
    async put(hostname, { fullchain, key, notBefore, notAfter, fingerprint256 }, source) {
      await store.write(hostname, { fullchain, key }, source);
      held.set(hostname, { hostname, source, notBefore, notAfter, fingerprint256 });
      revision += 1;
    },
    pair: (hostname) => store.read(hostname),
    revision: () => revision,
  };
}
