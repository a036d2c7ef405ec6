// The zones of kokoa.yaml: what one says fits its provider, and a wildcard is only wanted where it can be proved.
import type { Zone } from '../../schemas/types.ts';
import { canProve } from './certificate-rules.ts';
import { problemAt } from './check-route.ts';
import { readServer } from './dns-server.ts';
import type { LoadedFile } from './files.ts';
import type { Problem } from './problem.ts';
import { shown } from './shown.ts';

interface Misfit {
  field: string;
  found: string;
  expected: string;
  todo: string;
}

export function checkZones(file: LoadedFile<'kokoa'>, zones: readonly Zone[]): Problem[] {
  return zones.flatMap((zone, at) =>
    misfitsOf(zone).map(({ field, found, expected, todo }) => {
      const message = `zones[${at}].${field}: found ${found}, expected ${expected}`;
      return problemAt(file, file.locate(`/zones/${at}/${field}`), 'KK415', message, todo);
    }),
  );
}

function misfitsOf(zone: Zone): Misfit[] {
  const { provider, server, credentials, acmeDelegated, wildcard } = zone;
  const found: Misfit[] = [];
  if (provider === 'rfc2136') {
    const missing = [server === undefined && 'server', credentials === undefined && 'credentials'].filter(Boolean);
    if (missing.length > 0)
      found.push({
        ...{ field: 'provider', found: `rfc2136 without ${missing.join(' and ')}`, expected: 'both of them' },
        todo: 'write the address of the primary server, and where its TSIG key is found',
      });
    if (acmeDelegated !== undefined)
      found.push({ ...only('acmeDelegated', 'manual'), todo: 'delete it: the reconciler writes this zone itself' });
  } else {
    for (const field of ['server', 'credentials'] as const)
      if (zone[field] !== undefined)
        found.push({ ...only(field, 'rfc2136'), todo: 'delete it, or change the provider' });
  }
  if (server !== undefined && readServer(server) === undefined)
    found.push({
      ...{ field: 'server', found: shown(server), expected: 'an address, or an address and a port' },
      todo: "such as 203.0.113.53 or '[2001:db8::53]:5353'",
    });
  if (wildcard === true && !canProve(zone))
    found.push({
      ...{ field: 'wildcard', found: 'true', expected: 'a zone in which DNS-01 works' },
      todo: 'give the zone provider: rfc2136, or acmeDelegated (docs/dns.md); or delete wildcard',
    });
  return found;
}

function only(field: string, provider: string): Omit<Misfit, 'todo'> {
  return { field, found: 'it', expected: `it only with provider: ${provider}` };
}
