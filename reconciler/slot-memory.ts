// Leaves in the store which slots there are, so that a command can name them while git, mirror and reconciler are away.
import type { Desired } from './core/desired.ts';
import { slotsOf } from './core/slots.ts';
import type { KnownSlot, Restrictions } from './ports/restrictions.ts';

/** Answers a function that writes only what is news. A mirror that was lost, and so a state without slots, makes nobody forgotten. */
export function createSlotMemory(store: Pick<Restrictions, 'saveSlots'>): (live: Desired) => Promise<void> {
  let saved: string | undefined;
  let seen: Desired['fleetFiles'] | undefined;
  return async ({ fleetFiles, ...rest }) => {
    if (fleetFiles === seen) return;
    const slots = slotsOf({ fleetFiles, ...rest }).map(({ path: _, file: __, ...slot }): KnownSlot => slot);
    const text = JSON.stringify(slots);
    if (slots.length > 0 && text !== saved) await store.saveSlots(slots);
    [saved, seen] = [text, fleetFiles];
  };
}
