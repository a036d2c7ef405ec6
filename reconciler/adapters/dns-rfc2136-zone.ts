// The records of a zone whose primary server takes DNS UPDATE (RFC 2136): read with dig, written with nsupdate. Law: what is read and written is
// what that very server has, at that moment.
import { readNameRecords } from '../core/dns/printed-record.ts';
import type { StandingRecords } from '../core/dns/transfer.ts';
import type { NameRecords, ZoneAccess, ZoneRecords } from '../ports/dns-zone.ts';
import { listZone, readNames } from './dns-rfc2136-read.ts';
import { writeChanges } from './dns-rfc2136-write.ts';
import type { Rfc2136Options } from './nsupdate.ts';

export function createRfc2136Zone(options: Rfc2136Options): ZoneAccess {
  return {
    ttlMin: 0,
    async list(signal) {
      const found = await listZone(options, signal);
      return found && zoneRecords(found);
    },
    read: async (names, signal) => zoneRecords(await readNames(options, names, signal)),
    write: (changes, signal) => writeChanges(options, changes, signal),
  };
}

function zoneRecords(found: StandingRecords): ZoneRecords {
  const records = [...found].map(([name, some]) => [name, readNameRecords(some)] as const);
  return new Map(records.filter((entry): entry is [string, NameRecords] => entry[1] !== undefined));
}
