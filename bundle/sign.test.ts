// What is signed says whose it is, from which commit, until when; versions only grow.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson, sha256Hex } from './canonical.ts';
import { edgeConfig, installation, NOW_MS } from './installation.fixture.ts';
import { generateOnlineKeys } from './keys.ts';
import { CONFIG_BYTES_MAX } from './limits.ts';
import { nextVersion, renewalDue, renewTimestamp, signNode } from './sign.ts';

const made = installation();
const { signed } = made.sign();
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const bodyOf = (text: string) => (JSON.parse(text) as { signed: Record<string, unknown> }).signed;

test('all three documents name the node, the version and their end', () => {
  for (const text of [signed.timestamp, signed.snapshot, signed.targets]) {
    expect(bodyOf(text)).toMatchObject({ 'x-kokoa-node': 'tokyo-1', version: NOW_MS });
    expect(canonicalJson(JSON.parse(text))).toBe(text);
  }
  expect(bodyOf(signed.timestamp).expires).toBe('2030-01-01T01:00:00Z');
  expect(bodyOf(signed.targets).expires).toBe('2030-01-31T00:00:00Z');
  expect(signed.timestampExpiresMs).toBe(NOW_MS + HOUR_MS);
});

test('targets hold the hash of the canonical config, and the commit', () => {
  expect(signed.configHash).toBe(sha256Hex(signed.config));
  expect(bodyOf(signed.targets).targets).toEqual({
    'config.json': {
      length: signed.config.length,
      hashes: { sha256: signed.configHash },
      custom: { commit: 'c'.repeat(40) },
    },
  });
});

test('the same request is signed to the same bytes', () => {
  const request = {
    node: 'n',
    config: edgeConfig('n', []),
    commit: '',
    version: 1,
    now: new Date(NOW_MS),
    keys: made.keys,
  };
  expect(signNode(request)).toEqual(signNode(request));
});

test('a config is not signed for another node, nor when it is too large', () => {
  const request = { node: 'n', commit: '', version: 1, now: new Date(NOW_MS), keys: made.keys };
  expect(() => signNode({ ...request, config: edgeConfig('m', []) })).toThrow(
    expect.objectContaining({ code: 'config_wrong_node' }),
  );
  const config = edgeConfig('n', []);
  config.controlPlane.urls = ['x'.repeat(CONFIG_BYTES_MAX)];
  expect(() => signNode({ ...request, config })).toThrow(expect.objectContaining({ code: 'config_too_large' }));
});

test('a renewal makes a new timestamp and leaves the rest', () => {
  const renewed = renewTimestamp(signed, { version: NOW_MS + 1, now: new Date(NOW_MS + HOUR_MS), keys: made.keys });
  const { timestamp, timestampVersion, timestampExpiresMs, ...rest } = renewed;
  expect(signed).toMatchObject(rest);
  expect([timestampVersion, timestampExpiresMs]).toEqual([NOW_MS + 1, NOW_MS + 2 * HOUR_MS]);
  expect(bodyOf(timestamp)).toMatchObject({ meta: bodyOf(signed.timestamp).meta, version: NOW_MS + 1 });
  const again = { version: NOW_MS, now: new Date(NOW_MS), keys: made.keys };
  expect(() => renewTimestamp(signed, again)).toThrow(expect.objectContaining({ code: 'version_not_newer' }));
});

test.each([
  ['fresh', NOW_MS, made.keys, 'nothing'],
  ['just before half-life', NOW_MS + HOUR_MS / 2, made.keys, 'nothing'],
  ['after half-life', NOW_MS + HOUR_MS / 2 + 1, made.keys, 'timestamp'],
  ['expired', NOW_MS + 2 * HOUR_MS, made.keys, 'timestamp'],
  ['old', NOW_MS + 15 * DAY_MS + 1, made.keys, 'documents'],
  ['signed by other keys', NOW_MS, generateOnlineKeys(), 'documents'],
] as const)('what is %s is renewed as it needs', (_title, nowMs, keys, due) => {
  expect(renewalDue(signed, nowMs, {}, keys)).toBe(due);
});

test('versions never go back, whatever the clock does', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 4e12 }), { minLength: 2 }), (clock) => {
      let last: number | undefined;
      for (const nowMs of clock) {
        const next = nextVersion(last, nowMs);
        expect(next).toBeGreaterThan(last ?? 0);
        expect(next).toBeGreaterThanOrEqual(nowMs);
        last = next;
      }
    }),
  );
});

test('no version follows the largest', () => {
  expect(() => nextVersion(Number.MAX_SAFE_INTEGER, NOW_MS)).toThrow(
    expect.objectContaining({ code: 'version_exhausted' }),
  );
});
