// What `kokoa doctor` looks at in DNS: credentials, the provider's answer, and what the public sees of it. One probe for each zone.

import { KokoaError } from '../../bundle/error.ts';
import { ok } from '../../checks/finding.ts';
import type { Probe } from '../../checks/run-probes.ts';
import type { Zone } from '../../schemas/types.ts';
import { zoneAdapters } from '../adapters/dns-zone-adapters.ts';
import { createSecretPlaces } from '../adapters/secret-places.ts';
import { certificateRulesOf } from '../core/certificate-rules.ts';
import type { Desired } from '../core/desired.ts';
import { missingByHand } from '../core/dns/by-hand.ts';
import { allNames, poolNames, wantedAt, zoneNameOf } from '../core/dns/wanted-records.ts';
import { judgeByHand, judgePoolName } from '../core/doctor-dns.ts';
import { createZoneAccesses } from '../dns/zone-access.ts';
import type { NameRecords } from '../ports/dns-zone.ts';
import type { PublicResolver } from '../ports/public-resolver.ts';
import type { DoctorOptions } from './doctor-options.ts';

const ZONES_MAX = 20;
const NAMES_MAX = 20;

export function zoneProbes(desired: Desired, options: DoctorOptions, resolver: PublicResolver): Probe[] {
  const places = createSecretPlaces({
    ...{ secretsDir: options.secrets, credentialsDir: process.env.CREDENTIALS_DIRECTORY, env: {} },
  });
  const accesses = createZoneAccesses(places, zoneAdapters(options.dnsPrograms));
  const zones = [...certificateRulesOf(desired.kokoa?.value).zones].slice(0, ZONES_MAX);
  return zones.flatMap(([zone, said]) =>
    said.provider === 'manual' ? byHand(zone, desired, resolver) : [written(zone, said)],
  );

  function written(zone: string, said: Zone): Probe {
    return {
      what: `the zone ${zone}`,
      async look(signal) {
        const pools = [...poolNames(desired.kokoa?.value).values()].filter(
          (pool) => zoneNameOf(pool.hostname, desired.kokoa?.value) === zone,
        );
        try {
          const access = await accesses(zone, said);
          const held = await access.read([zone, ...pools.map(({ hostname }) => hostname)], signal);
          const seen = await Promise.all(pools.map(({ hostname }) => publicOf(hostname, resolver, signal)));
          return [
            ok(`the zone ${zone}`, `${said.provider} answers`),
            ...pools.flatMap(({ hostname, ttl }, at) =>
              judgePoolName({ hostname, ttl, held: held.get(hostname), seen: seen[at] }, access.ttlMin),
            ),
          ];
        } catch (error) {
          if (!(error instanceof KokoaError)) throw error;
          return [
            {
              ...{ level: 'trouble', what: `the zone ${zone}`, found: error.message },
              ...{
                expected: `an answer of ${said.provider}`,
                todo: error.hint ?? 'docs/dns.md says what each provider needs',
              },
            },
          ];
        }
      },
    };
  }
}

/** None where nothing is wanted of it. Addresses are not asked: which edges serve, the running reconciler knows. */
function byHand(zone: string, desired: Desired, resolver: PublicResolver): Probe[] {
  const wanted = new Map(
    [...allNames(desired)]
      .flatMap((name) => {
        const found = wantedAt(name, { desired, addressesOf: () => [] });
        return found?.zone === zone && found.sets !== undefined && !name.startsWith('*.')
          ? [[name, found.sets] as const]
          : [];
      })
      .slice(0, NAMES_MAX),
  );
  if (wanted.size === 0) return [];
  return [
    {
      what: `${zone}, written by people`,
      async look(signal) {
        const seen = await Promise.all(
          [...wanted.keys()].map(async (name) => [name, await resolver.records(name, signal)] as const),
        );
        const found = new Map(
          seen.flatMap(([name, records]) => (records === undefined ? [] : [[name, records] as const])),
        );
        return [judgeByHand(zone, wanted.size, missingByHand(wanted, found))];
      },
    },
  ];
}

async function publicOf(
  name: string,
  resolver: PublicResolver,
  signal: AbortSignal,
): Promise<NameRecords | undefined | 'unknown'> {
  return resolver.records(name, signal).catch(() => 'unknown' as const);
}
