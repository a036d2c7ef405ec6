// What the commands of DNS work with: the data of a folder, what the store knows of the edges, and the zones with their credentials.

import { join } from 'node:path';
import { KokoaError } from '../../bundle/error.ts';
import { rootFingerprint } from '../../bundle/root.ts';
import { openDnsBeside } from '../adapters/dns-beside.ts';
import { zoneAdapters } from '../adapters/dns-zone-adapters.ts';
import { readRoots } from '../adapters/key-reading.ts';
import { createSecretPlaces } from '../adapters/secret-places.ts';
import { certificateRulesOf } from '../core/certificate-rules.ts';
import { emptyDesired, updateDesired } from '../core/desired.ts';
import { ownerOf } from '../core/dns/owner-text.ts';
import { poolNames, wantedAt } from '../core/dns/wanted-records.ts';
import { fleetOf, settingsOf } from '../core/fleet.ts';
import { poolAddresses } from '../core/health/pool-addresses.ts';
import { namesByZone, zonesOf } from '../dns/keep-records.ts';
import type { WholeZone } from '../dns/settle-zone.ts';
import { createZoneAccesses } from '../dns/zone-access.ts';
import type { ZoneAccess } from '../ports/dns-zone.ts';
import { throwKeysNotHere } from './keys-not-here.ts';
import { printable } from './problem-text.ts';
import { judgeDir, renderJudgement } from './validate.ts';

export interface DnsWorldOptions {
  /** Of the data. */
  dir: string;
  dataDir: string;
  keysDir: string;
  secretsDir: string | undefined;
  programsDir: string | undefined;
  /** This zone alone. */
  zone: string | undefined;
}

export interface ZoneAtHand {
  provider: string;
  whole: WholeZone;
}

/** A zone that people write. */
export interface ZoneByHand {
  zone: string;
  /** It only reads, in public. */
  access: ZoneAccess;
  wanted: WholeZone['wanted'];
}

export interface DnsWorld {
  /** Sorted by name, as those by hand. */
  zones: readonly ZoneAtHand[];
  byHand: readonly ZoneByHand[];
  close(): void;
}

/** @throws KokoaError data_invalid, zone_unknown, dns_credentials, kokoa_missing, keys_missing, and what opening a store throws */
export async function openDnsWorld(options: DnsWorldOptions): Promise<DnsWorld> {
  const judgement = judgeDir(options.dir);
  if (judgement.problems.some(({ severity }) => severity === 'error')) {
    process.stderr.write(renderJudgement(judgement, options.dir, 'text'));
    throw new KokoaError('data_invalid', 'nothing is written into DNS for data with errors', {
      hint: 'correct what is listed above',
    });
  }
  const desired = updateDesired(
    emptyDesired(),
    judgement.loaded.map((file) => ({ path: file.path, file })),
  );
  const settings = settingsOf(desired);
  const known = zonesOf(desired);
  const all = certificateRulesOf(desired.kokoa?.value).zones;
  if (options.zone !== undefined && !all.has(options.zone))
    throw new KokoaError('zone_unknown', `${printable(options.zone)} is no zone of kokoa.yaml`, {
      hint: `its zones: ${[...all.keys()].join(', ') || 'none'}`,
    });
  const places = createSecretPlaces({
    ...{ secretsDir: options.secretsDir, credentialsDir: process.env.CREDENTIALS_DIRECTORY, env: {} },
  });
  const accesses = createZoneAccesses(places, zoneAdapters(options.programsDir));
  const beside = openDnsBeside(join(options.dataDir, 'store'), (words) =>
    process.stderr.write(`left out, damaged: ${printable(words)}\n`),
  );
  try {
    const hint = 'name the directory that kokoa serve has as --keys; whose a name in DNS is depends on it';
    const [root = ''] = await readRoots(options.keysDir).catch((error: unknown) =>
      throwKeysNotHere(options.keysDir, error, hint),
    );
    const fleet = fleetOf(desired, settings, beside.enrolments);
    const context = { desired, addressesOf: (pool: string) => poolAddresses(pool, fleet, beside.members) };
    const isNamed = poolNames(desired.kokoa?.value).size > 0;
    const wantedIn = (zone: string): WholeZone['wanted'] =>
      new Map((namesByZone(desired).get(zone) ?? []).map((name) => [name, wantedAt(name, context)?.sets]));
    const zones: ZoneAtHand[] = [];
    const byHand: ZoneByHand[] = [];
    for (const [zone, said] of [...all].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (!isNamed || (options.zone !== undefined && zone !== options.zone)) continue;
      const [access, wanted] = [await accesses(zone, said), wantedIn(zone)];
      if (!known.has(zone)) {
        if (wanted.size > 0) byHand.push({ zone, access, wanted });
        continue;
      }
      const common = {
        owner: ownerOf(rootFingerprint(root)),
        kept: beside.names,
        signal: new AbortController().signal,
      };
      zones.push({ provider: said.provider, whole: { zone, access, wanted, ...common } });
    }
    return { zones, byHand, close: beside.close };
  } catch (error) {
    beside.close();
    throw error;
  }
}
