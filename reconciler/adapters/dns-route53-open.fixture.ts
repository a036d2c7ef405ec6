// A zone at the double of Route 53, with a key whose parts are easily found again wherever they should not be.
import { onTestFinished } from 'vitest';
import type { ZoneAccess } from '../ports/dns-zone.ts';
import { type DoubleOptions, startRoute53Double } from './dns-route53.fixture.ts';
import { createRoute53Zone, type Route53ZoneOptions } from './dns-route53.ts';
import type { KeptSet } from './dns-route53-state.fixture.ts';

export const ZONE = 'hoge.example';
export const CREDENTIALS = {
  accessKeyId: 'AKIACANARYCANARY0001',
  secretAccessKey: 'canary/Secret+canary/Secret+canary/Secr=',
  sessionToken: 'canaryTokencanaryTokencanaryToken==',
};
export const never = new AbortController().signal;

interface Opened extends Partial<Route53ZoneOptions> {
  double?: Partial<DoubleOptions>;
}

/** Closes with the test, which fails when something was asked that Route 53 does not have, or mischief was not asked for. */
export async function openRoute53({ double: told = {}, ...options }: Opened = {}) {
  const double = await startRoute53Double({ credentials: CREDENTIALS, ...told });
  onTestFinished(async () => {
    await double.close();
    if (double.problems.length > 0 || double.unspent() > 0)
      throw new Error([...double.problems, `${double.unspent()} unspent`].join('\n'));
  });
  const kept = double.state.addZone(ZONE);
  const access: ZoneAccess = createRoute53Zone({
    zone: ZONE,
    credentials: CREDENTIALS,
    endpoint: double.endpoint,
    requestsPerSecond: 10_000,
    ...options,
  });
  const put = (label: string, type: string, ...values: string[]) =>
    double.state.put(kept, `${label}.${ZONE}`, type, 60, values);
  /** A set of another kind than `put` makes. */
  const add = (label: string, set: Omit<KeptSet, 'name'>) => kept.sets.push({ name: `${label}.${ZONE}.`, ...set });
  const stands = (label: string) => double.state.stands(kept, `${label}.${ZONE}`);
  return { double, kept, access, put, add, stands };
}
