// A bundle is accepted or refused by what it is, and a refusal leaves the disk as it was.
import { mkdir, mkdtemp, readdir, readFile, readlink, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BundleResponse } from '../../bundle/api.ts';
import { sha256Hex } from '../../bundle/canonical.ts';
import { installation, NOW_MS, responseOf, type SignOptions } from '../../bundle/installation.fixture.ts';
import { generateOnlineKeys } from '../../bundle/keys.ts';
import type { VerifyCode } from '../../bundle/refusal.ts';
import { renewTimestamp } from '../../bundle/sign.ts';
import { trustedDir } from './trusted-dir.ts';

const made = installation();
const foreign = installation();
const NODE = 'tokyo-1';
const HOUR_MS = 3_600_000;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kokoa-trusted-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const open = (fingerprint = made.fingerprint) => trustedDir({ directory, node: NODE, fingerprint });

/** Every file and link with its content. */
async function disk(): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const lines = entries.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    return `${path} ${entry.isFile() ? sha256Hex(await readFile(path)) : 'no file'}`;
  });
  return (await Promise.all(lines)).sort();
}

/** Changes one character of the named file (an end of its name). */
function flipped(bundle: BundleResponse, name: string, at: (text: string) => number): BundleResponse {
  const group = name === 'chunk' ? 'chunks' : 'files';
  const key = Object.keys(bundle[group]).find((k) => name === 'chunk' || k.endsWith(name)) ?? '';
  const text = bundle[group][key] ?? '';
  const position = at(text);
  const other = text[position] === '0' ? '1' : '0';
  return {
    ...bundle,
    [group]: { ...bundle[group], [key]: text.slice(0, position) + other + text.slice(position + 1) },
  };
}

const inExpiry = (text: string) => text.indexOf('"expires":"') + 14;
const base = made.sign({ version: NOW_MS });
const next = made.sign({ version: NOW_MS + 10, hostnames: ['app.hoge.com', 'new.hoge.com'] });
const other = made.sign({ node: 'osaka-1', version: NOW_MS + 10 });

const refusals: [string, VerifyCode, () => BundleResponse, number?][] = [
  ['a flipped byte in the timestamp', 'bad_signature', () => flipped(next.response(1), 'timestamp.json', inExpiry)],
  ['a flipped byte in the snapshot', 'bad_hash', () => flipped(next.response(1), 'snapshot.json', inExpiry)],
  ['a flipped byte in the targets', 'bad_hash', () => flipped(next.response(1), 'targets.json', inExpiry)],
  ['a flipped byte in the config', 'bad_hash', () => flipped(next.response(1), 'config.json', () => 12)],
  ['a flipped byte in a chunk', 'bad_hash', () => flipped(next.response(1), 'chunk', () => 12)],
  ['a flipped byte in the root', 'foreign_root', () => flipped(next.response(0), '1.root.json', inExpiry)],
  ["another node's bundle", 'wrong_node', () => other.response(1)],
  ["another node's bundle under our name", 'wrong_node', () => ({ ...other.response(1), node: NODE })],
  ["our bundle under another node's name", 'wrong_node', () => ({ ...next.response(1), node: 'osaka-1' })],
  [
    "another node's snapshot and targets behind our timestamp",
    'wrong_node',
    () => responseOf({ ...next.signed, snapshot: other.signed.snapshot }, made.roots, 1, next.chunks),
  ],
  ['an older bundle', 'rollback', () => made.sign({ version: NOW_MS - 1 }).response(1)],
  ['the same version with other content', 'rollback', () => made.sign({ hostnames: ['evil.hoge.com'] }).response(1)],
  ['an expired timestamp', 'expired', () => next.response(1), NOW_MS + HOUR_MS],
  ['the accepted bundle once it expired', 'expired', () => base.response(1), NOW_MS + HOUR_MS],
  [
    'expired targets under a fresh timestamp',
    'expired',
    () => made.sign({ version: NOW_MS + 10, lifetimes: { documentsMs: 60_000 } }).response(1),
    NOW_MS + 120_000,
  ],
  [
    'a new timestamp with an older snapshot and targets',
    'mixed_versions',
    () => ({
      ...next.response(1),
      files: { ...base.response(1).files, 'timestamp.json': next.signed.timestamp },
    }),
  ],
  [
    'an older config behind new targets',
    'mixed_versions',
    () =>
      responseOf(
        { ...next.signed, config: base.signed.config, configHash: base.signed.configHash },
        made.roots,
        1,
        base.chunks,
      ),
  ],
  [
    'a snapshot named by another version',
    'mixed_versions',
    () => responseOf({ ...next.signed, version: NOW_MS + 11 }, made.roots, 1, next.chunks),
  ],
  ['a foreign root', 'foreign_root', () => foreign.sign({ version: NOW_MS + 10 }).response(0)],
  ['a foreign bundle without its root', 'foreign_root', () => foreign.sign({ version: NOW_MS + 10 }).response(1)],
  ['a second root by strangers', 'foreign_root', () => strangersRoot()],
  [
    'a timestamp by an unknown key',
    'bad_signature',
    () => {
      const keys = generateOnlineKeys();
      return responseOf(
        renewTimestamp(next.signed, { version: NOW_MS + 20, now: new Date(NOW_MS), keys }),
        made.roots,
        1,
        next.chunks,
      );
    },
  ],
  ['no timestamp', 'missing_file', () => without(next.response(1), 'timestamp.json')],
  ['no snapshot', 'missing_file', () => without(next.response(1), 'snapshot.json')],
  ['no targets', 'missing_file', () => without(next.response(1), 'targets.json')],
  ['no config', 'missing_file', () => without(next.response(1), 'config.json')],
  ['a chunk that neither came nor is here', 'missing_file', () => ({ ...next.response(1), chunks: {} })],
  [
    'a root too far ahead',
    'missing_file',
    () => ({ ...next.response(1), files: { ...next.response(1).files, '3.root.json': '{}' } }),
  ],
  [
    'an oversized timestamp',
    'too_large',
    () => ({ ...next.response(1), files: { ...next.response(1).files, 'timestamp.json': ' '.repeat(65_537) } }),
  ],
  ['a file of an unknown name', 'malformed', () => ({ ...next.response(1), files: { '../x': '' } })],
  ['no object', 'malformed', () => null as unknown as BundleResponse],
  [
    'a format of the future',
    'unknown_format',
    () => made.sign({ version: NOW_MS + 10, config: { format: 2 as 1 } }).response(1),
  ],
];

function without(bundle: BundleResponse, name: string): BundleResponse {
  return { ...bundle, files: Object.fromEntries(Object.entries(bundle.files).filter(([key]) => !key.endsWith(name))) };
}

function strangersRoot(): BundleResponse {
  foreign.rotate();
  return foreign.sign({ version: NOW_MS + 10 }).response(1);
}

describe('a bundle is refused and nothing on disk changes', () => {
  test.each(refusals)('%s is %s', async (_title, code, bundle, nowMs = NOW_MS) => {
    const state = open();
    expect(await state.accept(base.response(), NOW_MS)).toMatchObject({ kind: 'accepted' });
    const before = await disk();
    expect(await state.accept(bundle(), nowMs)).toMatchObject({ kind: 'refused', code });
    expect(await disk()).toEqual(before);
    expect((await state.accepted())?.configHash).toBe(base.signed.configHash);
  });

  test.each(refusals)(
    '%s names a config only where what it says is all that is wrong',
    async (title, _code, bundle, nowMs = NOW_MS) => {
      const state = open();
      await state.accept(base.response(), NOW_MS);
      expect('configHash' in (await state.accept(bundle(), nowMs))).toBe(title === 'a format of the future');
    },
  );

  test.each<[string, SignOptions]>([
    ['a format of the future', { config: { format: 2 as 1 } }],
    ['a setting of another shape', { config: { controlPlane: { urls: [] } } }],
    ['a route of another shape', { hostnames: ['No Host'] }],
    ['one hostname twice', { hostnames: ['a.hoge.com', 'a.hoge.com'] }],
  ])('%s is named by its hash, once it is known who signed it', async (_title, options) => {
    const state = open();
    await state.accept(base.response(), NOW_MS);
    const signed = made.sign({ version: NOW_MS + 10, ...options });
    const { configHash } = signed.signed;
    expect(await state.accept(signed.response(1), NOW_MS)).toMatchObject({ kind: 'refused', configHash });
    const forged = foreign.sign({ version: NOW_MS + 10, ...options }).response(1);
    expect(await state.accept(forged, NOW_MS)).not.toHaveProperty('configHash');
  });

  test.each(refusals.slice(0, 6))('%s is refused by a node that holds nothing yet', async (_title, _code, bundle) => {
    const state = open();
    const whole = { ...bundle(), files: { ...next.response(0).files, ...bundle().files } };
    expect(await state.accept(whole, NOW_MS)).toMatchObject({ kind: 'refused' });
    expect(await disk()).toEqual([]);
  });

  test('no flipped character anywhere in any file is accepted', async () => {
    const state = open();
    await state.accept(base.response(), NOW_MS);
    const names = Object.keys(next.response(0).files);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), fc.nat(), fc.integer({ min: 0, max: 6 }), async (name, seed, bit) => {
        const bundle = next.response(0);
        const text = bundle.files[name] ?? '';
        const at = seed % text.length;
        const changed = text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << bit)) + text.slice(at + 1);
        const files = { ...bundle.files, [name]: changed };
        expect(await state.accept({ ...bundle, files }, NOW_MS)).toMatchObject({ kind: 'refused' });
      }),
      { numRuns: 100 },
    );
  });
});

describe('a bundle that is judged for a join', () => {
  const DECIDES = ['floor', 'trusted'];
  /** What is believed: the rest of the disk is found only through it. */
  const believed = async () => [
    await readFile(join(directory, 'floor'), 'utf8'),
    await readlink(join(directory, 'trusted')),
    (await open().accepted())?.configHash,
  ];
  const acceptable = async (fingerprint: string, bundle: BundleResponse) => {
    const judged = await open(fingerprint).judge(bundle, NOW_MS);
    if (judged.kind === 'refused') throw new Error(judged.detail);
    return judged;
  };

  test.each([
    ['of the same control plane', made, () => next.response(1), next.signed.configHash],
    ['of another one', foreign, () => foreign.sign({ version: 7 }).response(), expect.any(String)],
  ])('changes nothing that is believed, %s, until its files are moved', async (_, by, bundle, configHash) => {
    await open().accept(base.response(), NOW_MS);
    const before = await believed();
    const judged = await acceptable(by.fingerprint, bundle());
    const place = join(directory, 'joining');
    await mkdir(place);
    await judged.placeIn(place);
    expect(await believed()).toEqual(before);
    expect((await readdir(place)).sort()).toEqual(DECIDES);
    for (const name of DECIDES) await rename(join(place, name), join(directory, name));
    await judged.clear();
    const state = open(by.fingerprint);
    expect((await state.accepted())?.configHash).toEqual(configHash);
    expect(await readdir(join(directory, 'bundles'))).toHaveLength(1);
    const older = by.sign({ version: 6, hostnames: ['old.hoge.com'] }).response(await state.rootVersion());
    expect(await state.accept(older, NOW_MS)).toMatchObject({ code: 'rollback' });
  });

  test('places nothing when it is the accepted one, and is refused when it is older', async () => {
    await open().accept(next.response(), NOW_MS);
    await (await acceptable(made.fingerprint, next.response(1))).placeIn(join(directory, 'not-there'));
    expect(await open().judge(base.response(1), NOW_MS)).toMatchObject({ kind: 'refused', code: 'rollback' });
  });
});

describe('a bundle that holds is accepted', () => {
  test('it comes back after a restart, and becomes the last known good when told', async () => {
    const accepted = await open().accept(base.response(), NOW_MS);
    expect(accepted).toMatchObject({
      kind: 'accepted',
      verified: { configHash: base.signed.configHash, version: NOW_MS },
    });
    const state = open();
    expect(await state.rootVersion()).toBe(1);
    expect((await state.accepted())?.chunks).toEqual([JSON.parse(Object.values(base.chunks)[0] ?? '')]);
    expect(await state.lastKnownGood()).toBeUndefined();
    await state.markGood(base.signed.configHash);
    expect((await open().lastKnownGood())?.configHash).toBe(base.signed.configHash);
  });

  test('chunks that are here need not come again, and those nobody refers to go', async () => {
    const state = open();
    await state.accept(base.response(), NOW_MS);
    const [known = ''] = Object.keys(base.chunks);
    const { [known]: _, ...fresh } = next.chunks;
    expect(await open().accept({ ...next.response(1), chunks: fresh }, NOW_MS)).toMatchObject({ kind: 'accepted' });
    expect((await readdir(join(directory, 'chunks'))).sort()).toEqual(Object.keys(next.chunks).sort());
    const last = made.sign({ version: NOW_MS + 20, hostnames: ['new.hoge.com'] });
    await state.accept(last.response(1), NOW_MS);
    expect(await readdir(join(directory, 'chunks'))).toEqual(Object.keys(last.chunks));
  });

  test('a renewed timestamp alone moves the versions on', async () => {
    const state = open();
    await state.accept(base.response(), NOW_MS);
    await state.markGood(base.signed.configHash);
    const renewed = renewTimestamp(base.signed, {
      version: NOW_MS + 50,
      now: new Date(NOW_MS + HOUR_MS),
      keys: made.keys,
    });
    expect(await state.accept(responseOf(renewed, made.roots, 1, {}), NOW_MS + HOUR_MS)).toMatchObject({
      kind: 'accepted',
    });
    expect(await state.accept(base.response(1), NOW_MS)).toMatchObject({ kind: 'refused', code: 'rollback' });
    expect((await state.lastKnownGood())?.configHash).toBe(base.signed.configHash);
  });

  test('the last known good outlives a newer accepted bundle, expiry and a change of all online keys', async () => {
    const here = installation();
    const state = trustedDir({ directory, node: NODE, fingerprint: here.fingerprint });
    const [good, bad] = [here.sign(), here.sign({ version: NOW_MS + 1, hostnames: ['x.hoge.com'] })];
    await state.accept(good.response(), NOW_MS);
    await state.markGood(good.signed.configHash);
    await state.accept(bad.response(1), NOW_MS);
    here.rotate();
    await state.accept(here.sign({ version: NOW_MS + 2, hostnames: ['y.hoge.com'] }).response(1), NOW_MS);
    expect((await state.lastKnownGood())?.chunks[0]?.routes[0]?.hostname).toBe('app.hoge.com');
    await expect(state.markGood(bad.signed.configHash)).rejects.toMatchObject({ code: 'not_accepted' });
  });

  test('versions never go back, whatever order bundles come in', async () => {
    const bundles = [0, 1, 2, 3].map((n) => made.sign({ version: NOW_MS + n, hostnames: [`v${n}.hoge.com`] }));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3), { minLength: 2, maxLength: 8 }), async (order) => {
        const home = await mkdtemp(join(directory, 'run-'));
        const state = trustedDir({ directory: home, node: NODE, fingerprint: made.fingerprint });
        let newest = -1;
        for (const n of order) {
          const answer = await state.accept(bundles[n]!.response(newest < 0 ? 0 : 1), NOW_MS);
          expect(answer.kind).toBe(n >= newest ? 'accepted' : 'refused');
          newest = Math.max(newest, n);
          expect((await state.accepted())?.version).toBe(NOW_MS + newest);
        }
      }),
      { numRuns: 15 },
    );
  });
});
