// What the store knows that DNS depends on, as a command on the reconciler's machine opens it: beside a reconciler that may run.
import type { Member } from '../core/health/pool-members.ts';
import type { KeptNames } from '../ports/kept-names.ts';
import type { BoundEnrolment } from '../ports/store.ts';
import { openDatabaseBeside, translated } from './store-database.ts';
import { createDnsNameTable } from './store-dns-names.ts';
import { boundEnrolments } from './store-enrolments.ts';
import { createPoolMemberTable } from './store-pool-members.ts';
import { publishedNodes } from './store-published.ts';
import { createStoredTexts } from './store-texts.ts';

export interface DnsBeside {
  /** By node. */
  enrolments: ReadonlyMap<string, BoundEnrolment>;
  /** By pool. */
  members: ReadonlyMap<string, readonly Member[]>;
  names: KeptNames;
  close(): void;
}

/**
 * Damaged texts are left out, and told to `onDamaged`.
 * @throws KokoaError store_missing, store_denied, store_locked, store_damaged, store_too_new, store_too_old, store_failed (this and every method)
 */
export function openDnsBeside(directory: string, onDamaged: (words: string) => void): DnsBeside {
  const database = openDatabaseBeside(directory);
  return translated(directory, () => {
    const texts = createStoredTexts(({ place, problem }) => onDamaged(`${place}: ${problem}`));
    const names = createDnsNameTable(database);
    const rows = (text: string) => database.prepare(text).all();
    const published = () => Object.values(publishedNodes(rows('SELECT * FROM nodes ORDER BY node'), texts)).flat();
    const beside = { reports: () => rows('SELECT * FROM reports ORDER BY node'), published };
    const bound = boundEnrolments(rows('SELECT * FROM enrolments ORDER BY node'), texts, beside, new Map());
    function inTransaction(work: () => void): void {
      translated(directory, () => {
        database.exec('BEGIN IMMEDIATE');
        try {
          work();
          database.exec('COMMIT');
        } catch (error) {
          if (database.isTransaction) database.exec('ROLLBACK');
          throw error;
        }
      });
    }
    return {
      enrolments: new Map(bound.map((one) => [one.node, one])),
      members: createPoolMemberTable(database).all(),
      names: {
        dnsNames: async (zone) => translated(directory, () => names.of(zone)),
        keepDnsNames: async (zone, some) => inTransaction(() => names.keep(zone, some)),
        dropDnsNames: async (zone, some) => inTransaction(() => names.drop(zone, some)),
      },
      close: () => database.close(),
    };
  });
}
