// Verification without disk or clock: what holds, what does not, and what a hostile answer may look like.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { installation, NOW_MS } from './installation.fixture.ts';
import { CHUNK_BYTES_MAX, METADATA_BYTES_MAX, ROOTS_PER_RESPONSE_MAX } from './limits.ts';
import { type BundleFiles, readBundle } from './read-bundle.ts';
import { DETAIL_CHARACTERS_MAX, isRefusal, refuse } from './refusal.ts';
import { checkExpiry, checkSameVersion, type VerifiedFiles, verifyFiles } from './verify.ts';

const made = installation();
const bundle = made.sign();
const trust = { node: 'tokyo-1', fingerprint: made.fingerprint, roots: [] };

async function verified(files: BundleFiles): Promise<VerifiedFiles> {
  const found = await verifyFiles(files, trust);
  if (isRefusal(found)) throw new Error(found.detail);
  return found;
}

describe('signed files', () => {
  test('that are whole say what the node is told', async () => {
    expect(await verifyFiles(bundle.files(), trust)).toMatchObject({
      configHash: bundle.signed.configHash,
      version: NOW_MS,
      timestampVersion: NOW_MS,
      commit: 'c'.repeat(40),
      config: { node: 'tokyo-1', role: 'edge' },
      chain: { version: 1, epoch: 1 },
    });
  });

  test('are verified with expiry ignored, and judged by it apart', async () => {
    const files = await verified(bundle.files());
    const ends = Object.values(files.expiresMs).sort((a, b) => a - b);
    expect(checkExpiry(files, (ends[0] ?? 0) - 1)).toBeUndefined();
    expect(checkExpiry(files, ends[0] ?? 0)).toMatchObject({ code: 'expired' });
    expect(checkExpiry({ ...files, expiresMs: { ...files.expiresMs, targets: Number.NaN } }, 0)).toMatchObject({
      code: 'expired',
    });
  });

  test('of one version with two contents are refused, in one epoch', async () => {
    const [one, two] = [
      await verified(bundle.files()),
      await verified(made.sign({ hostnames: ['b.hoge.com'] }).files()),
    ];
    expect(checkSameVersion(one, one)).toBeUndefined();
    expect(checkSameVersion(two, one)).toMatchObject({ code: 'rollback' });
    expect(checkSameVersion({ ...two, chain: { ...two.chain, epoch: 2 } }, one)).toBeUndefined();
  });

  test('with any character changed are refused', async () => {
    const kinds = ['timestamp', 'snapshot', 'targets', 'config'] as const;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...kinds),
        fc.nat(),
        fc.integer({ min: 1, max: 0xff }),
        async (kind, seed, mask) => {
          const files = bundle.files();
          const text = files[kind];
          const at = seed % text.length;
          const changed = text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ mask) + text.slice(at + 1);
          expect(isRefusal(await verifyFiles({ ...files, [kind]: changed }, trust))).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  test.each([
    ['white space', (text: string) => ` ${text}`],
    ['a trailing newline', (text: string) => `${text}\n`],
    [
      'an upper-case signature',
      (text: string) =>
        text.replace(/"sig":"[0-9a-f]+"/, (sig) => sig.replace(/[a-f]/g, (c) => c.toUpperCase()).replace('SIG', 'sig')),
    ],
    ['a repeated member', (text: string) => text.replace('{"signatures"', '{"signed":{},"signatures"')],
    ['another member', (text: string) => text.replace(/\}$/, ',"x":1}')],
    ['nesting without end', () => '['.repeat(20_000)],
    ['null', () => 'null'],
  ])('whose timestamp has %s are malformed', async (_title, change) => {
    const files = bundle.files();
    expect(await verifyFiles({ ...files, timestamp: change(files.timestamp) }, trust)).toMatchObject({
      code: 'malformed',
    });
  });
});

describe('an answer', () => {
  const whole = bundle.response();
  const roots = Object.fromEntries(
    Array.from({ length: ROOTS_PER_RESPONSE_MAX + 5 }, (_, n) => [`${n + 1}.root.json`, '{}']),
  );
  const chunk = 'a'.repeat(64);
  test.each<[string, unknown, string]>([
    ['null', null, 'malformed'],
    ['a list', [], 'malformed'],
    ['a text', 'x', 'malformed'],
    ['no node', { ...whole, node: 1 }, 'malformed'],
    ['no files', { ...whole, files: null }, 'malformed'],
    ['chunks as a list', { ...whole, chunks: [] }, 'malformed'],
    ['a file that is a number', { ...whole, files: { ...whole.files, 'timestamp.json': 1 } }, 'malformed'],
    ['a file outside', { ...whole, files: { '../../etc/passwd': '' } }, 'malformed'],
    ['root zero', { ...whole, files: { ...whole.files, '0.root.json': '' } }, 'malformed'],
    ['a chunk with a path', { ...whole, chunks: { '../x': '' } }, 'malformed'],
    ['a prototype', JSON.parse('{"node":"x","files":{"__proto__":"x"},"chunks":{}}'), 'malformed'],
    ['half a character', { ...whole, files: { ...whole.files, 'timestamp.json': '\ud800' } }, 'malformed'],
    ['too many roots', { ...whole, files: roots }, 'too_large'],
    ['a large snapshot', { ...whole, files: { '1.snapshot.json': ' '.repeat(METADATA_BYTES_MAX + 1) } }, 'too_large'],
    ['a large chunk', { ...whole, chunks: { [chunk]: ' '.repeat(CHUNK_BYTES_MAX + 1) } }, 'too_large'],
    ['two snapshots', { ...whole, files: { ...whole.files, '7.snapshot.json': '{}' } }, 'mixed_versions'],
  ])('with %s is refused', (_title, value, code) => {
    expect(readBundle(value)).toMatchObject({ kind: 'refused', code });
  });

  test('of any JSON is read or refused, never thrown at', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (files, chunks) => {
        readBundle({ node: 'x', files, chunks });
        expect(isRefusal(readBundle(files))).toBe(true);
      }),
    );
  });

  test('that is refused is told in few printable characters', () => {
    const { detail } = refuse('malformed', `\u001b[31m\n${'x'.repeat(10_000)}`);
    expect(detail).toMatch(/^[\x20-\x7e]+$/);
    expect(detail.length).toBeLessThanOrEqual(DETAIL_CHARACTERS_MAX);
  });
});
