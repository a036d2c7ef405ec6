// `pools[].escrow`: the offline key of a pool. Law: one that nothing can be encrypted to is found here and not on the edges.
import { isAgeRecipient } from '../age-recipient.ts';
import { type FieldCheck, refuse, shown } from './field.ts';

export const escrow: FieldCheck<string> = {
  judge: (typed, place) => {
    if (isAgeRecipient(typed)) return [];
    const message = `found ${shown(typed)}, expected an age recipient whose checksum holds`;
    return [refuse(place, 'KK115', message, 'copy the whole "public key" line of age-keygen')];
  },
};
