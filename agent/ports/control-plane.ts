// The agent's view of the reconciler: read its bundle, post its state, use the pool's mailbox.
import type {
  BundleResponse,
  ChallengeAnswer,
  ChallengeEnd,
  ChallengeQuestion,
  LeaseAnswer,
  LeaseQuestion,
  OrderEnd,
  PoolIdentity,
  RelayResponse,
  SealedCertificate,
  StatusAnswer,
  StatusReport,
} from '../../bundle/api.ts';
import type { CertificateDates } from '../core/clock-doubt.ts';

/**
 * What the reconciler said when it did not simply answer. `retryAfterMs` is already bounded. `certificate`: its certificate is not good
 * at this time, by the clock of this machine.
 */
export type Unavailable =
  | { kind: 'unauthorized'; message: string }
  | { kind: 'suspended'; message: string }
  | { kind: 'unreachable'; message: string; retryAfterMs: number; certificate?: CertificateDates };

export type Offer = { kind: 'bundle'; bundle: BundleResponse; etag: string } | { kind: 'unchanged' } | Unavailable;

export interface OfferQuery {
  /** Config hash whose chunks are already here. */
  have?: string;
  etag?: string;
  /** Newest trusted root version; 0: none. */
  root: number;
  /** Long poll; 0: answer now. */
  waitSeconds: number;
}

export interface ControlPlane {
  offer(query: OfferQuery, signal?: AbortSignal): Promise<Offer>;
  report(status: StatusReport): Promise<{ kind: 'answered'; answer: StatusAnswer } | Unavailable>;
  relay(
    since: number,
    waitSeconds: number,
    signal?: AbortSignal,
  ): Promise<{ kind: 'answered'; relay: RelayResponse } | Unavailable>;
  putIdentity(identity: PoolIdentity): Promise<{ kind: 'answered' } | Unavailable>;
  putCertificate(certificate: SealedCertificate): Promise<{ kind: 'answered' } | Unavailable>;
  lease(question: LeaseQuestion): Promise<{ kind: 'answered'; lease: LeaseAnswer } | Unavailable>;
  /** How the order under a lease ended. */
  orderEnded(end: OrderEnd): Promise<{ kind: 'answered' } | Unavailable>;
  /** May the CA look in DNS for the proof of this wildcard? Its value is put there first. */
  challenge(
    question: ChallengeQuestion,
    signal?: AbortSignal,
  ): Promise<{ kind: 'answered'; answer: ChallengeAnswer } | Unavailable>;
  /** The order of this wildcard has ended. */
  challengeEnded(end: ChallengeEnd): Promise<{ kind: 'answered' } | Unavailable>;
  /** Its clock now, in ms since the epoch, by its newest answer; `ageMs`: how old that is. Undefined: nobody has answered yet. */
  serverTime(): { ms: number; ageMs: number } | undefined;
  close(): Promise<void>;
}
