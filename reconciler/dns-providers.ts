// Which provider writes a zone: what kokoa.yaml says, and the credentials that an operator put beside the reconciler. They are read anew for
// each use, so that a replaced key works at once.
import { KokoaError } from '../bundle/error.ts';
import type { Zone } from '../schemas/types.ts';
import { readServer } from './core/dns-server.ts';
import { parseTsigKey, type TsigKey } from './core/tsig-key.ts';
import { zoneCredentialPlace } from './core/zone-credential.ts';
import type { DnsProvider } from './ports/dns-provider.ts';
import type { SecretPlaces } from './ports/secrets.ts';

export interface DnsAdapters {
  rfc2136(options: { zone: string; address: string; port: number; key: TsigKey }): DnsProvider;
}

/** @throws KokoaError dns_credentials */
export async function dnsProviderOf(
  name: string,
  { provider, server, credentials }: Zone,
  places: SecretPlaces,
  adapters: DnsAdapters,
): Promise<DnsProvider> {
  const where = server === undefined ? undefined : readServer(server);
  const place = credentials && zoneCredentialPlace(credentials);
  if (provider !== 'rfc2136' || where === undefined || place === undefined)
    throw new KokoaError('dns_credentials', `nothing in kokoa.yaml says how records of ${name} are written`, {
      hint: 'give the zone provider: rfc2136, server and credentials',
    });
  const found = await places.read(place);
  const key = found.kind === 'text' ? parseTsigKey(found.text) : { problem: found.reason };
  if ('problem' in key)
    throw new KokoaError('dns_credentials', `the TSIG key of ${name} is of no use: ${key.problem}`, {
      hint: 'put what tsig-keygen printed where credentials of the zone says (docs/dns.md)',
    });
  return adapters.rfc2136({ zone: name, ...where, key });
}
