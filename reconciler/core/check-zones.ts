// The zones of kokoa.yaml: what one says fits its provider, and a wildcard is only wanted where it can be proved.
import type { Zone } from '../../schemas/types.ts';
import { canProve, hasWritten } from './certificate-rules.ts';
import { readServer } from './dns-server.ts';
import type { LoadedFile } from './files.ts';
import { type Problem, problemAt } from './problem.ts';
import { shown } from './shown.ts';

interface Misfit {
  field: string;
  found: string;
  expected: string;
  todo: string;
}

export function checkZones(file: LoadedFile<'kokoa'>, zones: readonly Zone[]): Problem[] {
  const lonely = hasWritten(zones) ? [] : zones.flatMap((zone, at) => lonelyDelegation(file, zone, at));
  const misfits = zones.flatMap((zone, at) =>
    misfitsOf(zone).map(({ field, found, expected, todo }) => {
      const message = `zones[${at}].${field}: found ${found}, expected ${expected}`;
      return problemAt(file, file.locate(`/zones/${at}/${field}`), 'KK415', message, todo);
    }),
  );
  return [...misfits, ...lonely];
}

/** A CNAME out of all zones that are written: nothing could be proved by it. */
function lonelyDelegation(file: LoadedFile<'kokoa'>, { provider, acmeDelegated }: Zone, at: number): Problem[] {
  if (provider !== 'manual' || acmeDelegated !== true) return [];
  const message = `zones[${at}].acmeDelegated: found true and no zone that the reconciler writes, expected one to which the CNAME leads`;
  const hint = 'add that zone with its provider (docs/dns.md); until then nobody orders wildcards here';
  return [
    { ...problemAt(file, file.locate(`/zones/${at}/acmeDelegated`), 'KK415', message, hint), severity: 'warning' },
  ];
}

/** What each provider needs, and what else it may have. */
const FIELDS: Record<Zone['provider'], { needs: readonly Field[]; may: readonly Field[] }> = {
  manual: { needs: [], may: [] },
  rfc2136: { needs: ['server', 'credentials'], may: [] },
  cloudflare: { needs: ['credentials'], may: [] },
  route53: { needs: ['credentials'], may: [] },
  exec: { needs: ['program'], may: ['credentials'] },
};
const ALL = ['server', 'credentials', 'program'] as const;
type Field = (typeof ALL)[number];

const WRITTEN: Record<Field, string> = {
  server: 'the address of the primary server',
  credentials: 'where its credentials are found',
  program: 'the name of the program',
};

function misfitsOf(zone: Zone): Misfit[] {
  const { provider, server, acmeDelegated, wildcard } = zone;
  const { needs, may } = FIELDS[provider];
  const found: Misfit[] = [];
  const missing = needs.filter((field) => zone[field] === undefined);
  if (missing.length > 0)
    found.push({
      ...{ field: 'provider', found: `${provider} without ${missing.join(' and ')}` },
      expected: missing.length > 1 ? 'both of them' : 'it',
      todo: `write ${missing.map((field) => WRITTEN[field]).join(', and ')} (docs/dns.md)`,
    });
  for (const field of ALL)
    if (zone[field] !== undefined && !needs.includes(field) && !may.includes(field))
      found.push({ ...only(field, takersOf(field)), todo: 'delete it, or change the provider' });
  if (provider !== 'manual' && acmeDelegated !== undefined)
    found.push({ ...only('acmeDelegated', 'manual'), todo: 'delete it: the reconciler writes this zone itself' });
  if (server !== undefined && readServer(server) === undefined)
    found.push({
      ...{ field: 'server', found: shown(server), expected: 'an address, or an address and a port' },
      todo: "such as 203.0.113.53 or '[2001:db8::53]:5353'",
    });
  if (wildcard === true && !canProve(zone))
    found.push({
      ...{ field: 'wildcard', found: 'true', expected: 'a zone in which DNS-01 works' },
      todo: 'give the zone a provider other than manual, or acmeDelegated (docs/dns.md); or delete wildcard',
    });
  return found;
}

function takersOf(field: Field): string {
  const takers = Object.entries(FIELDS).filter(([, { needs, may }]) => [...needs, ...may].includes(field));
  return takers.map(([provider]) => provider).join(', ');
}

function only(field: string, provider: string): Omit<Misfit, 'todo'> {
  return { field, found: 'it', expected: `it only with provider: ${provider}` };
}
