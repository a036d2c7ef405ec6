// What an operator takes from a node on this machine, without git, and what the reconciler leaves here so that a command can name nodes
// while nothing else answers.
import type { NodeRole } from '../../bundle/config.ts';
import type { SlotState } from '../core/slots.ts';

/** At most one per node and state. */
export interface LocalRestriction {
  node: string;
  state: 'suspended' | 'revoked';
  /** One printable line; empty: none was given. */
  reason: string;
  sinceMs: number;
  /** The slot as it was hit: a revocation is for its tokens up to this generation. */
  generation: number;
  tokenSha256: string | undefined;
}

/** A slot as git states it, in what is live. */
export interface KnownSlot {
  node: string;
  role: NodeRole;
  state: SlotState;
  generation: number;
  tokenSha256: string | undefined;
}

/** Written by another process as well, while the reconciler runs. */
export interface Restrictions {
  /** Sorted by node and state. */
  restrictions(): Promise<LocalRestriction[]>;
  /** Replaces the one of the same node and state. */
  putRestriction(restriction: LocalRestriction): Promise<void>;
  /** Without effect when there is none. */
  dropRestriction(node: string, state: LocalRestriction['state']): Promise<void>;
  /** Sorted by node. */
  slots(): Promise<KnownSlot[]>;
  /** These and no others. */
  saveSlots(slots: readonly KnownSlot[]): Promise<void>;
}
