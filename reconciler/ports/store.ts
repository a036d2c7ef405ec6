// What must survive a restart of the reconciler: published heads, enrolments, last reports, the pools' mailboxes, order leases, what was
// sealed to the pools, what operators took from nodes on this machine, what was proposed for teams, what stands in DNS, what
// operators were told.
import type { Enrolment, PoolIdentity, RelayResponse, SealedCertificate, StatusReport } from '../../bundle/api.ts';
import type { SignedNode } from '../../bundle/sign.ts';
import type { Rollout } from '../core/rollout/rollout.ts';
import type { KeptChallenges } from './kept-challenges.ts';
import type { KeptMembers } from './kept-members.ts';
import type { KeptNames } from './kept-names.ts';
import type { KeptNotices } from './kept-notices.ts';
import type { KeptProposals } from './kept-proposals.ts';
import type { OrderBook } from './order-book.ts';
import type { Restrictions } from './restrictions.ts';
import type { SealedTexts } from './secrets.ts';

/** One node's newest signed documents. */
export type PublishedNode = SignedNode;

export interface PublishedHead {
  /** Grows by one with every publish; compare-and-swap is on this. */
  sequence: number;
  /** The commit whose routes are live. */
  commit: string;
  /** Commit whose guard override was used up, if the last publish used one. */
  overrideBase?: string;
  /** Settings that some nodes do not have yet. */
  rollout?: Rollout;
}

export interface Publication {
  /** The sequence this was computed from; undefined: nothing was published yet. */
  expected: number | undefined;
  commit: string;
  overrideBase?: string;
  rollout?: Rollout;
  /** Only the nodes that changed. */
  nodes: PublishedNode[];
  /** Nodes that are no longer served. */
  removed: string[];
  /** Content-addressed texts (sha256 → text) that `nodes` refer to and the store may lack. */
  blobs: ReadonlyMap<string, string>;
}

export interface BoundEnrolment {
  node: string;
  /** sha256 of the token it was announced under, and the slot's generation then. */
  tokenSha256: string;
  generation: number;
  /** Of the report that brought it; absent: it was bound before reports were numbered. */
  sequence?: number;
  /** What it announced was damaged: `enrolment` is what its last report or published configs still say (core/mended-enrolment.ts). */
  mended?: true;
  enrolment: Enrolment;
}

export interface NodeReport {
  node: string;
  lastSeenMs: number;
  report: StatusReport;
}

export interface Lease {
  pool: string;
  hostname: string;
  node: string;
  expiresMs: number;
}

export interface Store
  extends SealedTexts,
    Restrictions,
    KeptProposals,
    OrderBook,
    KeptChallenges,
    KeptNames,
    KeptMembers,
    KeptNotices {
  head(): Promise<PublishedHead | undefined>;
  nodes(): Promise<PublishedNode[]>;
  /** What was damaged and is therefore none of `nodes`. No node is told what it says; its version numbers count until it is signed again. */
  damagedNodes(): Promise<PublishedNode[]>;
  /**
   * All or nothing, durable when it resolves. `conflict`: somebody else published after `expected`; nothing was written.
   * @throws KokoaError blob_missing (a config names a chunk that is neither given nor stored), blob_mismatch
   */
  publish(publication: Publication): Promise<'published' | 'conflict'>;
  /** The text whose sha256 this is. Damaged content counts as missing. */
  blob(sha256: string): Promise<string | undefined>;

  /** Of every node that was ever bound, damaged or not. */
  enrolments(): Promise<BoundEnrolment[]>;
  saveEnrolment(bound: BoundEnrolment): Promise<void>;

  reports(): Promise<NodeReport[]>;
  saveReport(report: NodeReport): Promise<void>;

  /**
   * Everything of a pool's mailbox after sequence `since`; a long answer ends early, and its `sequence` is then that of its last
   * item. A `since` above the newest sequence (the store was rebuilt) answers from the start.
   */
  relay(pool: string, since: number): Promise<RelayResponse>;
  /** Kept when its epoch is larger than the kept one's, or equal with the same recipient and more weight (core/identity-weight.ts); else `stale`. */
  putIdentity(identity: PoolIdentity): Promise<'kept' | 'stale'>;
  /** Kept when its notBefore is not older than the kept one's, or when it `replaces` whatever is kept; else `stale`. */
  putCertificate(pool: string, certificate: SealedCertificate, replaces?: boolean): Promise<'kept' | 'stale'>;

  /**
   * Grants the lease when it is free, expired at `nowMs`, already this node's, or held by `lost`, who cannot use it any more. Answers the
   * lease in force.
   */
  takeLease(lease: Lease, nowMs: number, lost?: string): Promise<Lease>;
  leases(): Promise<Lease[]>;

  close(): Promise<void>;
}
