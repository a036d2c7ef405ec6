// Which provider writes a zone: what kokoa.yaml says, and the credentials that an operator put beside the reconciler. They are read anew for each
// piece of work, so that a replaced one works at once; while they are the same, so is the provider, which may remember where the zone is.
import { canonicalJson } from '../../bundle/canonical.ts';
import { KokoaError } from '../../bundle/error.ts';
import type { Zone } from '../../schemas/types.ts';
import { type AwsCredentials, parseAwsCredentials } from '../core/dns/aws-credentials.ts';
import { isProgramName } from '../core/dns/program-name.ts';
import { readServer } from '../core/dns-server.ts';
import { parseTsigKey, type TsigKey } from '../core/tsig-key.ts';
import { zoneCredentialPlace } from '../core/zone-credential.ts';
import type { ZoneAccess } from '../ports/dns-zone.ts';
import type { SecretPlaces } from '../ports/secrets.ts';

/** What a provider needs to know. */
type Provided =
  | { provider: 'rfc2136'; options: { zone: string; address: string; port: number; key: TsigKey } }
  | { provider: 'cloudflare'; options: { zone: string; token: string } }
  | { provider: 'route53'; options: { zone: string; credentials: AwsCredentials } }
  | { provider: 'exec'; options: { zone: string; program: string; credentials?: string } }
  | { provider: 'manual'; options: { zone: string } };

/** Loaded when one is needed: some bring a large library. @throws KokoaError dns_credentials */
export type ZoneAdapters = {
  [P in Provided['provider']]: (options: Extract<Provided, { provider: P }>['options']) => Promise<ZoneAccess>;
};

/** @throws KokoaError dns_credentials */
export type ZoneAccesses = (name: string, zone: Zone) => Promise<ZoneAccess>;

const TOKEN = /^[\x21-\x7e]{20,512}$/;

export function createZoneAccesses(places: SecretPlaces, adapters: ZoneAdapters): ZoneAccesses {
  const made = new Map<string, { text: string; access: ZoneAccess }>();
  return async (name, zone) => {
    const provided = await providedFor(name, zone, places);
    const text = canonicalJson(provided);
    const known = made.get(name);
    if (known?.text === text) return known.access;
    const access = await open(provided, adapters);
    made.set(name, { text, access });
    return access;
  };
}

function open(provided: Provided, adapters: ZoneAdapters): Promise<ZoneAccess> {
  switch (provided.provider) {
    case 'rfc2136':
      return adapters.rfc2136(provided.options);
    case 'cloudflare':
      return adapters.cloudflare(provided.options);
    case 'route53':
      return adapters.route53(provided.options);
    case 'exec':
      return adapters.exec(provided.options);
    case 'manual':
      return adapters.manual(provided.options);
  }
}

async function providedFor(zone: string, said: Zone, places: SecretPlaces): Promise<Provided> {
  const { provider, server, program } = said;
  switch (provider) {
    case 'manual':
      return { provider, options: { zone } };
    case 'rfc2136': {
      const where = server === undefined ? undefined : readServer(server);
      if (where === undefined) throw useless(zone, 'server is missing in kokoa.yaml');
      const key = parseTsigKey(await secretOf(zone, said, places));
      if ('problem' in key) throw useless(zone, `the TSIG key is of no use: ${key.problem}`);
      return { provider, options: { zone, ...where, key } };
    }
    case 'cloudflare': {
      const token = (await secretOf(zone, said, places)).trim();
      if (!TOKEN.test(token)) throw useless(zone, 'the file holds no token, expected one line and nothing else');
      return { provider, options: { zone, token } };
    }
    case 'route53': {
      const credentials = parseAwsCredentials(await secretOf(zone, said, places));
      if ('problem' in credentials) throw useless(zone, `the access key is of no use: ${credentials.problem}`);
      return { provider, options: { zone, credentials } };
    }
    case 'exec': {
      if (program === undefined || !isProgramName(program)) throw useless(zone, 'program is missing in kokoa.yaml');
      const credentials = said.credentials && (await secretOf(zone, said, places));
      return { provider, options: { zone, program, ...(credentials !== undefined && { credentials }) } };
    }
  }
}

async function secretOf(zone: string, { credentials }: Zone, places: SecretPlaces): Promise<string> {
  const place = credentials && zoneCredentialPlace(credentials);
  if (place === undefined) throw useless(zone, 'credentials are missing in kokoa.yaml');
  const found = await places.read(place);
  if (found.kind !== 'text') throw useless(zone, found.reason);
  return found.text;
}

function useless(zone: string, problem: string): KokoaError {
  return new KokoaError('dns_credentials', `records of ${zone} cannot be written: ${problem}`, {
    hint: 'docs/dns.md says what each provider needs, and where its credentials are put',
  });
}
