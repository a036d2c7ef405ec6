// A zone that people write: we look whether they did, and never write. Law: what is seen is what visitors see, so it is enough to tell people
// what is missing, and never enough to change or delete anything by it.
import PQueue from 'p-queue';
import type { NameRecords, ZoneAccess } from '../ports/dns-zone.ts';
import type { PublicResolver } from '../ports/public-resolver.ts';

export interface ManualZoneOptions {
  /** Canonical. */
  zone: string;
  resolver: PublicResolver;
}

const QUESTIONS_AT_ONCE = 16;

/**
 * Reads by resolving in public, name by name. Three things cannot be told there: whether a record stands at this very name or a wildcard made
 * it up, how long it may live (the TTL is 0), and what is no older than a cache of somebody else.
 */
export function createManualZone({ zone, resolver }: ManualZoneOptions): ZoneAccess {
  return {
    ttlMin: 0,
    list: async () => undefined,
    async read(names, signal) {
      const failed = new AbortController();
      const either = AbortSignal.any([signal, failed.signal]);
      const queue = new PQueue({ concurrency: QUESTIONS_AT_ONCE });
      const found = new Map<string, NameRecords>();
      const ask = async (name: string) => {
        // After the first failure the rest is of no use.
        if (failed.signal.aborted) return;
        try {
          const records = await resolver.records(name, either);
          if (records !== undefined) found.set(name, records);
        } catch (error) {
          failed.abort();
          throw error;
        }
      };
      await Promise.all(names.map((name) => queue.add(() => ask(name))));
      return found;
    },
    async write(changes) {
      return { outcomes: changes.map(() => ({ kind: 'refused', reason: `people set the records of ${zone}` })) };
    },
  };
}
