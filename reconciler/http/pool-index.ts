// What the pools' mailboxes hold, without the sealed content: enough to answer "anything new?" and "who put this?" from memory.
import type { PoolIdentity, SealedCertificate } from '../../bundle/api.ts';
import type { Store } from '../ports/store.ts';

export type HeldCertificate = Pick<SealedCertificate, 'by' | 'recipient' | 'notBefore' | 'notAfter'>;

export interface PoolIndex {
  /** The newest sequence of the pool. */
  sequence(pool: string): Promise<number>;
  /** Recipient of the pool's identity. */
  recipient(pool: string): Promise<string | undefined>;
  /** Number of the pool's identity. */
  epoch(pool: string): Promise<number | undefined>;
  certificate(pool: string, hostname: string): Promise<HeldCertificate | undefined>;
  /** Reads what was added since; call it after a put. */
  refresh(pool: string): Promise<void>;
}

interface Held {
  sequence: number;
  recipient: string | undefined;
  epoch: number | undefined;
  certificates: Map<string, HeldCertificate>;
}

export function createPoolIndex(store: Pick<Store, 'relay'>): PoolIndex {
  const pools = new Map<string, Promise<Held>>();

  async function advance(pool: string, held: Held): Promise<Held> {
    for (;;) {
      const { sequence, identity, certificates } = await store.relay(pool, held.sequence);
      if (identity) {
        held.recipient = identity.recipient satisfies PoolIdentity['recipient'];
        held.epoch = identity.epoch;
      }
      for (const { hostname, by, recipient, notBefore, notAfter } of certificates)
        held.certificates.set(hostname, { by, recipient, notBefore, notAfter });
      if (sequence === held.sequence) return held;
      held.sequence = sequence;
    }
  }

  function begin(pool: string): Promise<Held> {
    const known = pools.get(pool);
    if (known) return known;
    const reading = advance(pool, {
      sequence: 0,
      recipient: undefined,
      epoch: undefined,
      certificates: new Map(),
    });
    pools.set(pool, reading);
    reading.catch(() => pools.delete(pool));
    return reading;
  }

  return {
    sequence: async (pool) => (await begin(pool)).sequence,
    recipient: async (pool) => (await begin(pool)).recipient,
    epoch: async (pool) => (await begin(pool)).epoch,
    certificate: async (pool, hostname) => (await begin(pool)).certificates.get(hostname),
    async refresh(pool) {
      await advance(pool, await begin(pool));
    },
  };
}
