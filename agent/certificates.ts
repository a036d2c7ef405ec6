// The certificate side of an edge. Every hostname is ordered once, by one member, and handed to all: this edge orders what it is
// the orderer of, takes what others ordered, and gives what others lack. Whatever fails costs one hostname, and what is
// held is served on.
import type { KeyObject } from 'node:crypto';
import type { StatusReport } from '../bundle/api.ts';
import type { Chunk, EdgeConfig } from '../bundle/config.ts';
import { createOrders, type EdgeView, type Log } from './certificate-orders.ts';
import { createCertificateShelf } from './certificate-shelf.ts';
import { watchDisk } from './certificates-disk.ts';
import { createReasons } from './certificates-reasons.ts';
import { type Broken, brokenOf, statusOf, unobtainedOf } from './certificates-status.ts';
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
  /** Hosts without a certificate that were tried for, with the newest failure, at most 200. Cheap. */
  unobtained(): readonly Broken[];
  /** True while a certificate that is valid now is held; undefined: the disk has not been read yet. */
  holds(hostname: string): boolean | undefined;
}

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
  const disk = watchDisk({ shelf, log, lost: mailbox.lost });
  const revision = () => `${shelf.revision()}/${reasons.revision()}/${Math.floor(now() / STATUS_MS)}`;
  const wakeAll = () => {
    mailbox.wake();
    orders.wake();
  };

  return {
    configure(config, chunks) {
      const before = view?.certificates;
      view = viewOf(config, chunks, view);
      // Its certificate may have been imported before the hostname came.
      if ([...view.certificates.keys()].some((name) => !before?.has(name) && !shelf.isServed(name, now()))) disk.ring();
      reasons.changed();
      wakeAll();
    },
    async run(signal) {
      await disk.read();
      isRead = true;
      await Promise.all([mailbox.run(signal), orders.run(signal), disk.run(wakeAll, signal)]);
    },
    broken: remembered(revision, () => brokenOf(view, shelf.broken(now()))),
    unobtained: remembered(revision, () => unobtainedOf(view, shelf, reasons, now())),
    holds: (hostname) => (isRead ? shelf.isServed(view?.servedBy.get(hostname) ?? hostname, now()) : undefined),
    status: remembered(revision, () =>
      view ? statusOf(view, shelf, reasons, now()) : { certificates: [], quarantined: [] },
    ),
  };
}

/** Certificates that were wanted before keep their place in the queue. */
function viewOf(config: EdgeConfig, chunks: readonly Chunk[], before: EdgeView | undefined): EdgeView {
  const wanted = new Map<string, string | undefined>();
  const servedBy = new Map<string, string>();
  for (const { routes } of chunks) {
    for (const { hostname, certificate = hostname, orderer } of routes) {
      wanted.set(certificate, orderer);
      servedBy.set(hostname, certificate);
    }
  }
  const certificates = new Map<string, string | undefined>();
  for (const name of before?.certificates.keys() ?? [])
    if (wanted.has(name)) certificates.set(name, wanted.get(name));
  for (const [name, orderer] of wanted) certificates.set(name, orderer);
  return { config, certificates, servedBy };
}

function remembered<T>(key: () => string, make: () => T): () => T {
  let last: { key: string; value: T } | undefined;
  return () => {
    const wanted = key();
    if (last?.key !== wanted) last = { key: wanted, value: make() };
    return last.value;
  };
}
