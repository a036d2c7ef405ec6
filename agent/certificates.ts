// The certificate side of an edge. Every hostname is ordered once, by one member, and handed to all: this edge orders what it is
// the orderer of, takes what others ordered, and gives what others lack. Whatever fails costs one hostname, and what is
// held is served on.
import type { KeyObject } from 'node:crypto';
import type { StatusReport } from '../bundle/api.ts';
import type { Chunk, EdgeConfig } from '../bundle/config.ts';
import { type Bell, createBell } from './bell.ts';
import { createOrders, type EdgeView, type Log } from './certificate-orders.ts';
import { type CertificateShelf, createCertificateShelf } from './certificate-shelf.ts';
import { hostnameOfFolder } from './core/certificate-name.ts';
import { createNews } from './news.ts';
import { createPoolIdentityHolder } from './pool-identity.ts';
import { createMailbox } from './pool-mailbox.ts';
import type { CertificateAuthority } from './ports/certificate-authority.ts';
import type { CertificateStore } from './ports/certificate-store.ts';
import type { ControlPlane } from './ports/control-plane.ts';
import type { PoolKeyring } from './ports/pool-keyring.ts';
import type { Sealing } from './ports/sealing.ts';

export interface CertificatesDependencies {
  /** ed25519 private key whose public half the node announced. */
  signingKey: KeyObject;
  /** The node's own age identity, `AGE-SECRET-KEY-1…`. */
  ageIdentity: string;
  ca: CertificateAuthority;
  store: CertificateStore;
  keyring: PoolKeyring;
  sealing: Sealing;
  control: Pick<ControlPlane, 'relay' | 'putIdentity' | 'putCertificate' | 'lease'>;
  /** The account to announce; called again when it changes. */
  onAccount(thumbprint: string): void;
  /** A certificate of this hostname was stored; the next handshake may use it. */
  onStored?(hostname: string): void;
  log: Log;
  /** ms since the epoch. */
  now(): number;
  /** As long as it is, nothing is ordered. */
  isClockWrong?(): boolean;
}

export interface Certificates {
  /** The applied configuration. Cheap; call it at every change. */
  configure(config: EdgeConfig, chunks: readonly Chunk[]): void;
  /** Works until `signal` aborts. Never throws. */
  run(signal: AbortSignal): Promise<void>;
  status(): Pick<StatusReport, 'certificates' | 'quarantined'>;
  /** Hosts whose certificate was there and cannot be served any more, at most 200; all others' handshakes go on. Cheap. */
  broken(): readonly Broken[];
  /** True while a certificate that is valid now is held; undefined: the disk has not been read yet. */
  holds(hostname: string): boolean | undefined;
}

export interface Broken {
  hostname: string;
  reason: string;
}

/** How often the disk is read for what a person imported or damaged. */
const REFRESH_MS = 30_000;
/** Between two looks at the disk, however often hostnames without a certificate come. */
const REFRESH_REST_MS = 1_000;
/** Of a status report; those that end first, those without a certificate. */
export const STATUS_CERTIFICATES_MAX = 1_000;
export const STATUS_QUARANTINED_MAX = 200;
const REASON_CHARACTERS_MAX = 300;
/** Time alone changes the status this often. */
const STATUS_MS = 10_000;

export function createCertificates(dependencies: CertificatesDependencies): Certificates {
  const { store, log, now } = dependencies;
  let view: EdgeView | undefined;
  let isRead = false;
  const shelf = createCertificateShelf(store);
  const reasons = createReasons();
  const shared = { ...dependencies, view: () => view, shelf, explain: reasons.explain };

  const identity = createPoolIdentityHolder(dependencies);
  const mailbox = createMailbox({
    ...shared,
    identity,
    onReceived: (hostname) => dependencies.onStored?.(hostname),
    onSettled: () => orders.wake(),
  });
  const orders = createOrders({
    ...shared,
    mayOrder: mailbox.ready,
    expectedUntil: mailbox.expectedUntil,
    onOrdered(hostname) {
      dependencies.onStored?.(hostname);
      mailbox.wake();
    },
  });
  const disk = createBell();
  const revision = () => `${shelf.revision()}/${reasons.revision()}/${Math.floor(now() / STATUS_MS)}`;
  const news = createNews(log);
  let strange: string[] = [];
  const wakeAll = () => {
    mailbox.wake();
    orders.wake();
  };

  /** What is torn may still stand in the pool's mailbox: it is waited for before anything is ordered. */
  async function refresh(): Promise<void> {
    try {
      const found = await shelf.refresh();
      for (const entry of strange.filter((each) => !found.some((other) => other.entry === each)))
        news.over(entry, 'a certificate on disk is usable again, or gone');
      for (const { entry, reason } of found) {
        if (!strange.includes(entry)) mailbox.lost(hostnameOfFolder(entry) ?? entry);
        news.trouble(entry, reason, { entry, reason }, 'a certificate on disk is not usable');
      }
      strange = found.map(({ entry }) => entry);
      news.over('disk', 'the certificates on disk can be read again');
    } catch (error) {
      const reason = String(error).slice(0, 300);
      news.trouble('disk', reason, { reason }, 'the certificates on disk could not be read');
    }
  }

  return {
    configure(config, chunks) {
      const before = view?.hosts;
      view = viewOf(config, chunks, view);
      // Its certificate may have been imported before the hostname came.
      if ([...view.hosts.keys()].some((host) => !before?.has(host) && !shelf.isServed(host, now()))) disk.ring();
      reasons.changed();
      wakeAll();
    },
    async run(signal) {
      await refresh();
      isRead = true;
      await Promise.all([mailbox.run(signal), orders.run(signal), refreshAgain(refresh, disk, wakeAll, signal)]);
    },
    broken: remembered(revision, () => brokenOf(view, shelf.broken(now()))),
    holds: (hostname) => (isRead ? shelf.isServed(hostname, now()) : undefined),
    status: remembered(revision, () =>
      view ? statusOf(view, shelf, reasons.of, now()) : { certificates: [], quarantined: [] },
    ),
  };
}

/** Hosts that were there keep their place in the queue. */
function viewOf(config: EdgeConfig, chunks: readonly Chunk[], before: EdgeView | undefined): EdgeView {
  const wanted = new Map(
    chunks.flatMap(({ routes }) => routes.map(({ hostname, orderer }) => [hostname, orderer] as const)),
  );
  const hosts = new Map<string, string | undefined>();
  for (const hostname of before?.hosts.keys() ?? [])
    if (wanted.has(hostname)) hosts.set(hostname, wanted.get(hostname));
  for (const [hostname, orderer] of wanted) hosts.set(hostname, orderer);
  return { config, hosts };
}

async function refreshAgain(
  refresh: () => Promise<void>,
  disk: Bell,
  changed: () => void,
  signal: AbortSignal,
): Promise<void> {
  const rest = createBell();
  while (!signal.aborted) {
    await disk.wait(REFRESH_MS, signal);
    if (signal.aborted) return;
    await refresh();
    changed();
    await rest.wait(REFRESH_REST_MS, signal);
  }
}

function brokenOf(view: EdgeView | undefined, broken: ReadonlyMap<string, string>): Broken[] {
  const ours = [...broken].filter(([hostname]) => view?.hosts.has(hostname));
  return ours.slice(0, STATUS_QUARANTINED_MAX).map(([hostname, reason]) => ({ hostname, reason }));
}

function statusOf(
  view: EdgeView,
  shelf: CertificateShelf,
  reasonOf: (hostname: string) => string | undefined,
  now: number,
) {
  const certificates = [...shelf.all()]
    .filter(({ hostname, notAfter }) => notAfter > now && view.hosts.has(hostname))
    .sort((a, b) => a.notAfter - b.notAfter || (a.hostname < b.hostname ? -1 : 1))
    .slice(0, STATUS_CERTIFICATES_MAX)
    .map(({ hostname, notAfter }) => ({ hostname, notAfter: new Date(notAfter).toISOString() }));
  const broken = shelf.broken(now);
  const quarantined: { hostname: string; reason: string }[] = [];
  for (const [hostname, orderer] of view.hosts) {
    if (quarantined.length >= STATUS_QUARANTINED_MAX) break;
    if (shelf.isServed(hostname, now)) continue;
    const waits = reasonOf(hostname) ?? waitingReason(hostname, orderer, view.config.node);
    const why = broken.get(hostname);
    quarantined.push({ hostname, reason: why === undefined ? waits : `${why}; ${waits}` });
  }
  return { certificates, quarantined };
}

function waitingReason(hostname: string, orderer: string | undefined, me: string): string {
  if (hostname.startsWith('*.')) return 'a wildcard is not ordered by HTTP-01: import its certificate';
  if (orderer === undefined) return 'no edge is named to order its certificate yet';
  return orderer === me ? 'about to be ordered' : `waiting for ${orderer} to order it`;
}

/** Why hostnames have no certificate, the newest reason each. */
function createReasons() {
  const reasons = new Map<string, string>();
  let revision = 0;
  return {
    explain(hostname: string, reason: string | undefined): void {
      if (reasons.get(hostname) === reason) return;
      if (reason === undefined) reasons.delete(hostname);
      else reasons.set(hostname, reason.slice(0, REASON_CHARACTERS_MAX));
      revision += 1;
    },
    of: (hostname: string) => reasons.get(hostname),
    changed: () => {
      revision += 1;
    },
    revision: () => revision,
  };
}

function remembered<T>(key: () => string, make: () => T): () => T {
  let last: { key: string; value: T } | undefined;
  return () => {
    const wanted = key();
    if (last?.key !== wanted) last = { key: wanted, value: make() };
    return last.value;
  };
}
