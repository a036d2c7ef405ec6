// The certificates of this edge in memory, in step with those on disk. What is stored was judged; what is asked is answered
// without touching the disk.
import type { AcceptedCertificate } from '../bundle/certificate.ts';
import { hostnameOfFolder } from '../bundle/certificate-name.ts';
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
  /** Hostname → why its certificate is there and cannot be served. */
  broken(now: number): ReadonlyMap<string, string>;
  put(
    hostname: string,
    certificate: AcceptedCertificate,
    source: CertificateSource,
    keptFrom?: readonly string[],
  ): Promise<void>;
  /** Takes it off the disk. False: it is not ours to remove. */
  remove(hostname: string): Promise<boolean>;
  pair(hostname: string): Promise<CertificatePair | undefined>;
  /** Grows with every change. */
  revision(): number;
}

export function createCertificateShelf(store: CertificateStore): CertificateShelf {
  let held = new Map<string, HeldCertificate>();
  let torn = new Map<string, string>();
  let revision = 0;
  return {
    async refresh() {
      const before = revision;
      const found = await store.list();
      // Something was stored meanwhile: the list may be older than that.
      if (revision === before) {
        held = new Map(found.held.map((certificate) => [certificate.hostname, certificate]));
        torn = new Map(found.strange.flatMap(({ entry, reason }) => hostsOf(entry, reason)));
      }
      revision += 1;
      return found.strange;
    },
    get: (hostname) => held.get(hostname),
    all: () => held.values(),
    isServed: (hostname, now) => (held.get(hostname)?.notAfter ?? 0) > now,
    broken(now) {
      const ended = [...held.values()].filter(({ notAfter }) => notAfter <= now);
      return new Map([...torn, ...ended.map(({ hostname, notAfter }) => [hostname, endedOn(notAfter)] as const)]);
    },
    async put(hostname, { fullchain, key, notBefore, notAfter, fingerprint256 }, source, keptFrom = []) {
      await store.write(hostname, { fullchain, key }, source, keptFrom);
      held.set(hostname, { hostname, source, notBefore, notAfter, fingerprint256, keptFrom });
      torn.delete(hostname);
      revision += 1;
    },
    async remove(hostname) {
      const isRemoved = await store.remove(hostname);
      if (!isRemoved) return false;
      held.delete(hostname);
      torn.delete(hostname);
      revision += 1;
      return true;
    },
    pair: (hostname) => store.read(hostname),
    revision: () => revision,
  };
}

function hostsOf(entry: string, reason: string): [hostname: string, reason: string][] {
  const hostname = hostnameOfFolder(entry);
  return hostname === undefined ? [] : [[hostname, `its certificate on disk is not usable: ${reason}`]];
}

function endedOn(notAfter: number): string {
  return `its certificate ended on ${new Date(notAfter).toISOString().slice(0, 10)}`;
}
