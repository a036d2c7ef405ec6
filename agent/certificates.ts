// The certificate side of an edge. Every hostname is ordered once, by one member, and handed to all: this edge orders what it is
// the orderer of, takes what others ordered, and gives what others lack. Whatever fails costs one hostname, and what is
// held is served on.
import type { KeyObject } from 'node:crypto';
import type { StatusReport } from '../bundle/api.ts';
import type { Chunk, EdgeConfig } from '../bundle/config.ts';
import { createCaInUse } from './ca-in-use.ts';
import { createOrders, type EdgeView, type Log } from './certificate-orders.ts';
import { createCertificateShelf } from './certificate-shelf.ts';
import { createAlarm, ENDING_WORDS, EXPOSED_WORDS, HELD_UP_WORDS } from './certificates-alarm.ts';
import { watchDisk } from './certificates-disk.ts';
import { createPruning } from './certificates-pruning.ts';
import { createReasons } from './certificates-reasons.ts';
import { createServedCheck } from './certificates-served.ts';
import {
  type Broken,
  brokenOf,
  type Ending,
  endingOf,
  exposedOf,
  heldUpOf,
  isCovered,
  statusOf,
  unobtainedOf,
  withTroubles,
} from './certificates-status.ts';
import { ownCertificates } from './core/own-certificate.ts';
import type { Shown } from './core/served-check.ts';
import { createOwnCertificates } from './own-certificates.ts';
import { createPoolIdentityHolder } from './pool-identity.ts';
import { createMailbox } from './pool-mailbox.ts';
import { createPoolRecipients } from './pool-recipients.ts';
import type { CaStandingStore } from './ports/ca-standing-store.ts';
import type { CertificateAuthority } from './ports/certificate-authority.ts';
import type { CertificateStore } from './ports/certificate-store.ts';
import type { ControlPlane } from './ports/control-plane.ts';
import type { PoolKeyring } from './ports/pool-keyring.ts';
import type { RecipientBook } from './ports/recipient-book.ts';
import type { RenewalInfoSource } from './ports/renewal-info.ts';
import type { Sealing } from './ports/sealing.ts';
import type { UnwantedStore } from './ports/unwanted-store.ts';
import { createRenewalSuggestions } from './renewal-suggestions.ts';

export interface CertificatesDependencies {
  /** ed25519 private key whose public half the node announced. */
  signingKey: KeyObject;
  /** The node's own age identity, `AGE-SECRET-KEY-1…`. */
  ageIdentity: string;
  ca: CertificateAuthority;
  caStanding: CaStandingStore;
  renewalInfo: RenewalInfoSource;
  store: CertificateStore;
  keyring: PoolKeyring;
  book: RecipientBook;
  /** What the owner of this machine said at join: nothing is wrapped for a recipient before a person approves it here. */
  approvalIsRequired: boolean;
  sealing: Sealing;
  control: Pick<
    ControlPlane,
    'relay' | 'putIdentity' | 'putCertificate' | 'lease' | 'orderEnded' | 'challenge' | 'challengeEnded'
  >;
  /** The account to announce; called again when it changes. */
  onAccount(thumbprint: string): void;
  /** A certificate of this hostname was stored; the next handshake may use it. */
  onStored?(hostname: string): void;
  log: Log;
  /** ms since the epoch. */
  now(): number;
  /** As long as it is, nothing is ordered. */
  isClockWrong?(): boolean;
  unwanted: UnwantedStore;
  /** What this edge's own web server shows for a server name. Bounded; never throws. Absent: nobody looks. */
  shown?(servername: string): Promise<Shown>;
  /** ms of a clock that never goes back and that nobody sets. */
  monotonicMs?(): number;
}

export interface Certificates {
  /** The applied configuration. Cheap; call it at every change. */
  configure(config: EdgeConfig, chunks: readonly Chunk[]): void;
  /** Works until `signal` aborts. Never throws. */
  run(signal: AbortSignal): Promise<void>;
  status(): Pick<StatusReport, 'certificates' | 'quarantined' | 'unacknowledged'>;
  /** Hosts whose certificate was there and is not served, at most 200; all others' handshakes go on. Cheap. */
  broken(): readonly Broken[];
  /** Hosts without a certificate, or with one that ends soon, that were tried for, with the newest failure, at most 200. Cheap. */
  unobtained(): readonly Broken[];
  /** True while a certificate that serves this hostname is held; undefined: the disk has not been read yet. */
  holds(hostname: string): boolean | undefined;
  /** The same of the certificate of this name. */
  isHeld(name: string): boolean | undefined;
  /** Differs when an answer of `isHeld` may. */
  heldRevision(): string;
}

const NOTHING = { certificates: [], quarantined: [] };
/** Time alone changes the status this often. */
const STATUS_MS = 10_000;

export function createCertificates(dependencies: CertificatesDependencies): Certificates {
  const { store, log, now } = dependencies;
  let view: EdgeView | undefined;
  let isRead = false;
  const shelf = createCertificateShelf(store);
  const reasons = createReasons();
  const monotonicMs = dependencies.monotonicMs ?? (() => performance.now());
  const shared = { ...dependencies, view: () => view, shelf, explain: reasons.explain, monotonicMs };
  const served = createServedCheck(shared);
  const pruning = createPruning(shared);
  const endings = () => endingOf(view, shelf, reasons, now()).map(saidOf);
  const ending = createAlarm({ found: endings, words: ENDING_WORDS, log });
  const exposed = createAlarm({ found: () => exposedOf(view, shelf, reasons), words: EXPOSED_WORDS, log });
  const heldUp = createAlarm({ found: () => heldUpOf(view, shelf, now()), words: HELD_UP_WORDS, log });
  const stored = (name: string) => {
    served.stored(name);
    dependencies.onStored?.(name);
  };

  const recipients = createPoolRecipients(dependencies);
  const identity = createPoolIdentityHolder({ ...dependencies, recipients, onWaiting: reasons.explainAll });
  const mailbox = createMailbox({
    ...shared,
    ...{ identity, recipients },
    onReceived: stored,
    onSettled: () => orders.wake(),
  });
  const suggestions = createRenewalSuggestions({
    ...shared,
    source: dependencies.renewalInfo,
    onSuggested: () => orders.wake(),
  });
  const orders = createOrders({
    ...shared,
    suggestedAt: suggestions.suggestedAt,
    caInUse: createCaInUse({ store: dependencies.caStanding, log, now }),
    mayOrder: mailbox.ready,
    expectedUntil: mailbox.expectedUntil,
    onOrdered(hostname) {
      stored(hostname);
      own.wake();
      mailbox.wake();
      suggestions.wake();
    },
  });
  const own = createOwnCertificates({ ...shared, onStored: stored });
  const disk = watchDisk({ shelf, log, lost: mailbox.lost });
  const isHeld = (name: string) => shelf.isServed(name, now());
  const revision = () =>
    [shelf.revision(), reasons.revision(), served.revision(), Math.floor(now() / STATUS_MS)].join('/');
  const wakeAll = () => {
    own.wake();
    mailbox.wake();
    orders.wake();
    suggestions.wake();
  };

  return {
    configure(config, chunks) {
      const before = view?.certificates;
      view = viewOf(config, chunks, view);
      own.configure(chunks);
      // Its certificate may have been imported before the hostname came.
      if ([...view.certificates.keys()].some((name) => !before?.has(name) && !shelf.isServed(name, now()))) disk.ring();
      reasons.changed();
      wakeAll();
    },
    async run(signal) {
      await disk.read();
      isRead = true;
      const care = [served, pruning, ending, exposed, heldUp].map((part) => part.run(signal));
      await Promise.all([
        mailbox.run(signal),
        orders.run(signal),
        suggestions.run(signal),
        own.run(signal),
        disk.run(wakeAll, signal),
        ...care,
      ]);
    },
    broken: remembered(revision, () => brokenOf(view, shelf.broken(now()), served.differences())),
    unobtained: remembered(revision, () => unobtainedOf(view, shelf, reasons, now())),
    holds: (hostname) => (isRead ? isCovered(view, hostname, isHeld) : undefined),
    isHeld: (name) => (isRead ? isHeld(name) : undefined),
    heldRevision: () => `${isRead}/${shelf.revision()}/${Math.floor(now() / STATUS_MS)}`,
    status: remembered(
      () => `${revision()}/${recipients.revision()}`,
      () => ({
        ...(view ? withTroubles(statusOf(view, shelf, reasons, served.differences(), now()), own.troubles()) : NOTHING),
        ...recipients.status(),
      }),
    ),
  };
}

/** Certificates that were wanted before keep their place in the queue. */
function viewOf(config: EdgeConfig, chunks: readonly Chunk[], before: EdgeView | undefined): EdgeView {
  const wanted = new Map<string, string | undefined>();
  const servedBy = new Map<string, string>();
  const own = ownCertificates(chunks);
  for (const { routes } of chunks) {
    for (const { hostname, orderer, protocol, ownCertificate, ...route } of routes) {
      // The certificate of what is passed on unopened is its backend's.
      if (protocol === 'tls') continue;
      const certificate = ownCertificate ? hostname : (route.certificate ?? hostname);
      // A route that brings one has no orderer; where that one does not count, the orderer is the other routes'.
      wanted.set(certificate, orderer ?? wanted.get(certificate));
      servedBy.set(hostname, certificate);
    }
  }
  // What a person brings is ordered by nobody.
  for (const name of own.keys()) if (wanted.has(name)) wanted.set(name, undefined);
  const certificates = new Map<string, string | undefined>();
  for (const name of before?.certificates.keys() ?? []) if (wanted.has(name)) certificates.set(name, wanted.get(name));
  for (const [name, orderer] of wanted) certificates.set(name, orderer);
  return { config, certificates, servedBy };
}

function saidOf({ hostname, notAfter, reason }: Ending) {
  return { hostname, notAfter: new Date(notAfter).toISOString(), reason };
}

function remembered<T>(key: () => string, make: () => T): () => T {
  let last: { key: string; value: T } | undefined;
  return () => {
    const wanted = key();
    if (last?.key !== wanted) last = { key: wanted, value: make() };
    return last.value;
  };
}
