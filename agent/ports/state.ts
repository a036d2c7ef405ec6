// The agent's memory on disk. Every write is temp file, fsync, rename, fsync of the directory; what is torn counts as absent.
import type { BundleResponse } from '../../bundle/api.ts';
import type { Chunk, NodeConfig } from '../../bundle/config.ts';
import type { VerifyCode } from '../../bundle/refusal.ts';

/** A bundle whose signatures, versions, node binding, hashes and sizes all held. */
export interface VerifiedBundle {
  configHash: string;
  version: number;
  config: NodeConfig;
  /** In the order of `config.edge.chunks`; empty for an origin. */
  chunks: Chunk[];
  /** End of the signed timestamp, ms since the epoch: past it nobody vouches that there is nothing newer. */
  timestampExpiresMs: number;
}

export type Acceptance =
  | { kind: 'accepted'; verified: VerifiedBundle }
  /** `configHash`: what was refused, where it was signed for this node and refused for what it says alone. */
  | { kind: 'refused'; code: VerifyCode; detail: string; configHash?: string };

export interface TrustedState {
  /** Newest trusted root version; 0 before the first. */
  rootVersion(): Promise<number>;
  /**
   * Verifies in a scratch copy and swaps it in on success; on refusal nothing on disk changes.
   * `fingerprint` (sha256 hex of root version 1) is needed while `rootVersion()` is 0.
   */
  accept(bundle: BundleResponse, nowMs: number): Promise<Acceptance>;
  /** The last known good bundle, verified again with expiry ignored; undefined when there is none that verifies. */
  lastKnownGood(): Promise<VerifiedBundle | undefined>;
  /** Makes the accepted bundle with this hash the last known good. */
  markGood(configHash: string): Promise<void>;
  /** Newest accepted bundle, applied or not, verified with expiry ignored. */
  accepted(): Promise<VerifiedBundle | undefined>;
}

/** Rendered trees: `releases/<id>/`, of which `current` names one. Three are kept. */
export interface Releases {
  /** Writes a whole tree (relative path → text) and answers its absolute path. Idempotent. */
  write(id: string, files: ReadonlyMap<string, string>): Promise<string>;
  /** Points `current` at a release by an atomic rename. */
  swap(id: string): Promise<void>;
  current(): Promise<string | undefined>;
  /** True when the files of `current` are as written. */
  intact(): Promise<boolean>;
}
