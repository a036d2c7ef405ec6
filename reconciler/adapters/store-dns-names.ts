// Names that were written into DNS, in the embedded store. Callers hold the transaction.
import type { DatabaseSync } from 'node:sqlite';

export interface DnsNameTable {
  of(zone: string): string[];
  keep(zone: string, names: readonly string[]): void;
  drop(zone: string, names: readonly string[]): void;
}

export function createDnsNameTable(database: DatabaseSync): DnsNameTable {
  const of = database.prepare('SELECT name FROM dns_names WHERE zone = ? ORDER BY name');
  const put = database.prepare('INSERT INTO dns_names VALUES (?, ?) ON CONFLICT DO NOTHING');
  const drop = database.prepare('DELETE FROM dns_names WHERE zone = ? AND name = ?');
  return {
    of: (zone) => of.all(zone).map(({ name }) => String(name)),
    keep(zone, names) {
      for (const name of names) put.run(zone, name);
    },
    drop(zone, names) {
      for (const name of names) drop.run(zone, name);
    },
  };
}
