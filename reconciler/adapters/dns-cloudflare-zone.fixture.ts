// A zone at the double of Cloudflare, as tests use it. Law: no error that a test sees has the token in it, however it is shown.
import { inspect } from 'node:util';
import { expect, onTestFinished } from 'vitest';
import { failureText, KokoaError } from '../../bundle/error.ts';
import { nameRecords } from '../core/dns/record-set.ts';
import type { NameRecords, RecordSet, ZoneAccess, ZoneChange } from '../ports/dns-zone.ts';
import { startCloudflareDouble } from './dns-cloudflare.fixture.ts';
import { createCloudflareZone } from './dns-cloudflare.ts';
import type { KeptRecord } from './dns-cloudflare-state.fixture.ts';

export const TOKEN = 'canary-0123456789abcdefghijklmnopqrstuvwxyz';
export const ZONE = 'hoge.com';
export const A: RecordSet = { type: 'A', ttl: 120, values: ['203.0.113.1'] };
export const B: RecordSet = { type: 'A', ttl: 120, values: ['203.0.113.2'] };
export const never = new AbortController().signal;

export interface ZoneAtDouble {
  mayWrite?: boolean;
  perPageMax?: number;
  /** What is sent. */
  token?: string;
  requestMsMax?: number;
}

/** Until the test has ended; then it is asserted that all mischief came true, and that only what the API has was asked for. */
export async function openZone({ token = TOKEN, requestMsMax = 2_000, ...rest }: ZoneAtDouble = {}) {
  const double = await startCloudflareDouble({ token: TOKEN, ...rest });
  const zone = double.state.addZone(ZONE);
  const access = createCloudflareZone({ zone: ZONE, token, baseUrl: double.baseUrl, requestMsMax });
  onTestFinished(async () => {
    await double.close();
    expect(double.problems).toEqual([]);
    expect(double.unspent()).toBe(0);
  });
  const fill = (count: number) => {
    for (let index = 0; index < count; index += 1)
      double.state.force(zone, { name: `host-${index}.${ZONE}`, type: 'A', ttl: 60, content: '203.0.113.1' });
  };
  return { double, zone, access, fill, stands: (name: string) => standing(double.state.of(zone), name) };
}

/** What is kept at a name, read by other means than the adapter's. */
export function standing(records: readonly KeptRecord[], name: string): NameRecords | undefined {
  return nameRecords(
    records
      .filter((record) => record.name === name)
      .map(({ type, ttl, content }) => ({ type, ttl, value: type === 'TXT' ? textOf(content) : content })),
  );
}

function textOf(content: string): string {
  return [...content.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, piece]) => piece!.replace(/\\(.)/g, '$1')).join('');
}

/** What a promise fails with. */
export async function failure(run: Promise<unknown>): Promise<KokoaError> {
  const error = await run.then(
    (value) => expect.fail(`answered ${inspect(value)}`),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(KokoaError);
  const known = error as KokoaError;
  expect(known.cause).toBeUndefined();
  for (const shown of [inspect(known, { depth: 20, showHidden: true }), failureText(known), JSON.stringify(known)])
    expect(shown).not.toContain(TOKEN);
  return known;
}

export async function write(access: ZoneAccess, ...changes: ZoneChange[]) {
  const written = await access.write(changes, never);
  expect(inspect(written, { depth: 20, showHidden: true })).not.toContain(TOKEN);
  if (written.stopped !== undefined) await failure(Promise.reject(written.stopped));
  return written;
}

export const creates = (label: string): ZoneChange => [{ name: `${label}.${ZONE}`, before: [], after: [A] }];
