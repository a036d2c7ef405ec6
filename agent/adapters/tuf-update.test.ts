// The TUF client by itself, as the second opinion: what it refuses, and how its errors are told. Nothing was verified before it here.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { installation, NOW_MS, type SignedBundle } from '../../bundle/installation.fixture.ts';
import { isRefusal, type VerifyCode } from '../../bundle/refusal.ts';
import { refusalOf, type TufState, updateTuf } from './tuf-update.ts';

const made = installation();
const foreign = installation();
foreign.rotate();
const [base, next] = [made.sign(), made.sign({ version: NOW_MS + 1, hostnames: ['new.hoge.com'] })];

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kokoa-tuf-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const filesOf = (bundle: SignedBundle, root = 1) => new Map(Object.entries(bundle.response(root).files));
const held = (bundle: SignedBundle): TufState => {
  const { timestamp, snapshot, targets } = bundle.signed;
  return { root: made.roots[0]!, timestamp, snapshot, targets };
};

function changed(
  bundle: SignedBundle,
  name: RegExp,
  change: (text: string) => string | undefined,
): Map<string, string> {
  const files = filesOf(bundle);
  for (const [key, text] of files) {
    const other = name.test(key) ? change(text) : text;
    if (other === undefined) files.delete(key);
    else files.set(key, other);
  }
  return files;
}

test('it trusts a newer bundle, and leaves no scratch behind', async () => {
  expect(await updateTuf(directory, held(base), filesOf(next), NOW_MS)).toEqual({ configHash: next.signed.configHash });
  expect(await updateTuf(directory, { root: made.roots[0]! }, filesOf(next), NOW_MS)).toEqual({
    configHash: next.signed.configHash,
  });
  expect(await readdir(directory)).toEqual([]);
});

test('it follows a root that replaces all keys, though its versions are lower', async () => {
  const here = installation();
  const theft = here.sign({ version: NOW_MS * 100 });
  const { timestamp, snapshot, targets } = theft.signed;
  const state = { root: here.roots[0]!, timestamp, snapshot, targets };
  here.rotate();
  const rescue = here.sign({ hostnames: ['rescue.hoge.com'] });
  expect(await updateTuf(directory, state, filesOf(rescue), NOW_MS)).toEqual({ configHash: rescue.signed.configHash });
});

const endless = (text: string) => text.replace('2030-', '2031-');
const cases: [string, VerifyCode, () => [TufState, Map<string, string>, number?]][] = [
  ['an older bundle', 'rollback', () => [held(next), filesOf(base)]],
  ['an expired timestamp', 'expired', () => [held(base), filesOf(next), NOW_MS + 3_600_000]],
  [
    'an expired snapshot',
    'expired',
    () => [held(base), filesOf(made.sign({ version: NOW_MS + 1, lifetimes: { documentsMs: 1000 } })), NOW_MS + 60_000],
  ],
  ['a forged timestamp', 'bad_signature', () => [held(base), changed(next, /timestamp/, endless)]],
  ['a changed snapshot', 'bad_hash', () => [held(base), changed(next, /snapshot/, endless)]],
  ['changed targets', 'bad_hash', () => [held(base), changed(next, /targets/, endless)]],
  ['a timestamp that is no JSON', 'malformed', () => [held(base), changed(next, /timestamp/, () => '{')]],
  ['a timestamp that is a number', 'malformed', () => [held(base), changed(next, /timestamp/, () => '1')]],
  ['a large timestamp', 'too_large', () => [held(base), changed(next, /timestamp/, (text) => text.padEnd(70_000))]],
  ['no timestamp', 'missing_file', () => [held(base), changed(next, /timestamp/, () => undefined)]],
  ['no snapshot', 'missing_file', () => [held(base), changed(next, /snapshot/, () => undefined)]],
  ['no targets', 'missing_file', () => [held(base), changed(next, /targets/, () => undefined)]],
  ['a root by strangers', 'foreign_root', () => [held(base), filesOf(foreign.sign({ version: NOW_MS + 1 }))]],
  [
    'a root that skips a version',
    'mixed_versions',
    () => {
      const here = installation();
      here.rotate();
      here.rotate();
      return [{ root: here.roots[0]! }, new Map([['2.root.json', here.roots[2]!]])];
    },
  ],
];

describe('it refuses', () => {
  test.each(cases)('%s as %s', async (_title, code, make) => {
    const [state, files, nowMs = NOW_MS] = make();
    expect(await updateTuf(directory, state, files, nowMs)).toMatchObject({ kind: 'refused', code });
    expect(await readdir(directory)).toEqual([]);
  });

  test('never the same version with other content: it keeps what it has', async () => {
    const again = made.sign({ hostnames: ['evil.hoge.com'] });
    const answer = await updateTuf(directory, held(base), filesOf(again), NOW_MS);
    expect(isRefusal(answer) ? answer : answer.configHash).toBe(base.signed.configHash);
  });
});

test('a disk that cannot be written is no verdict on the bundle', () => {
  const full = Object.assign(new Error('no space'), { code: 'ENOSPC', syscall: 'write' });
  expect(() => refusalOf(full)).toThrow(expect.objectContaining({ code: 'state_unwritable' }));
});
