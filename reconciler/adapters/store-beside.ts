// The store as a command on the reconciler's machine opens it: beside a reconciler that may run, and for what operators take from nodes.

import type { Restrictions } from '../ports/restrictions.ts';
import { openDatabaseBeside, translated } from './store-database.ts';
import { createRestrictionTable } from './store-restrictions.ts';

export type RestrictionsBeside = Omit<Restrictions, 'saveSlots'> & { close(): void };

/** @throws KokoaError store_missing, store_denied, store_locked, store_damaged, store_too_new, store_too_old, store_failed (this and every method) */
export function openRestrictionsBeside(directory: string): RestrictionsBeside {
  const database = openDatabaseBeside(directory);
  const table = translated(directory, () => createRestrictionTable(database));
  // Each is one statement, and so a transaction of its own.
  return {
    restrictions: async () => translated(directory, () => table.all()),
    putRestriction: async (restriction) => translated(directory, () => table.put(restriction)),
    dropRestriction: async (node, state) => translated(directory, () => table.drop(node, state)),
    slots: async () => translated(directory, () => table.slots()),
    close: () => database.close(),
  };
}
