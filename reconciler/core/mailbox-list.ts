// What a pool's mailbox holds, for people and programs: public facts of sealed certificates. Law: nothing of a ciphertext is in it.
import type { PoolIdentity, SealedCertificate } from '../../bundle/api.ts';

export interface ListedCertificate {
  name: string;
  /** The edge that put it here: who ordered it, or another holder after that one was gone. */
  by: string;
  /** ISO 8601. */
  notBefore: string;
  notAfter: string;
  /** Epoch of the identity that it is sealed to; null: an older one, and its pool seals it anew when it can. */
  epoch: number | null;
  ended: boolean;
}

export interface ListedMailbox {
  pool: string;
  /** Null: no edge has made one yet. */
  identity: { epoch: number; by: string; wrappedFor: string[]; escrow: boolean; withheld: string[] } | null;
  certificates: ListedCertificate[];
}

interface Mailbox {
  pool: string;
  identity?: PoolIdentity;
  certificates: readonly SealedCertificate[];
}

export function listedMailbox({ pool, identity, certificates }: Mailbox, nowMs: number): ListedMailbox {
  return {
    pool,
    identity: identity
      ? {
          epoch: identity.epoch,
          by: identity.by,
          wrappedFor: Object.keys(identity.wraps).sort(),
          escrow: identity.escrow !== undefined,
          withheld: [...(identity.withheld ?? [])].sort(),
        }
      : null,
    certificates: certificates.map(({ hostname, by, notBefore, notAfter, recipient }) => ({
      ...{ name: hostname, by, notBefore, notAfter },
      epoch: recipient === identity?.recipient ? identity.epoch : null,
      ended: Date.parse(notAfter) <= nowMs,
    })),
  };
}
