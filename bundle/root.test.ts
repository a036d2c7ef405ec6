// Roots follow each other only by the keys of both, and the chain starts at what was pinned.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { generateKey, generateOnlineKeys, type Signer } from './keys.ts';
import { isRefusal } from './refusal.ts';
import { createRoot, readRoot, rootFingerprint, rotateRoot } from './root.ts';
import { extendRootChain, verifyRootChain } from './root-chain.ts';

const EXPIRES = new Date(Date.UTC(2031, 0, 1));
const rootKeys = [generateKey(), generateKey(), generateKey()];
const online = generateOnlineKeys();
const first = createRoot({ rootKeys, threshold: 2, online, expires: EXPIRES });
const fingerprint = rootFingerprint(first);
const fresh = () => ({ online: generateOnlineKeys(), expires: EXPIRES });
const codeOf = (value: unknown) => (isRefusal(value) ? value.code : 'verified');

describe('making roots', () => {
  test('the first root names its keys, threshold and end', () => {
    const { signed } = readRoot(first);
    expect(signed.version).toBe(1);
    expect(signed.expires).toBe('2031-01-01T00:00:00Z');
    expect(signed.roles.root).toMatchObject({ threshold: 2, keyIDs: rootKeys.map((key) => key.keyId) });
    expect(signed.roles.timestamp?.keyIDs).toEqual([online.timestamp.keyId]);
  });

  test.each<[string, () => string]>([
    ['a threshold nobody can meet', () => createRoot({ rootKeys, threshold: 4, online, expires: EXPIRES })],
    ['no threshold', () => createRoot({ rootKeys, threshold: 0, online, expires: EXPIRES })],
    [
      'one key in two roles',
      () => createRoot({ rootKeys, threshold: 1, online: { ...online, targets: rootKeys[0]! }, expires: EXPIRES }),
    ],
    ['too few signers', () => rotateRoot(first, { signers: rootKeys.slice(0, 1), ...fresh() })],
    ['signers nobody knows', () => rotateRoot(first, { signers: [generateKey(), generateKey()], ...fresh() })],
    [
      'too few of the new root keys',
      () => rotateRoot(first, { signers: rootKeys, rootKeys: [generateKey(), generateKey()], ...fresh() }),
    ],
    ['a text that is no root', () => rotateRoot('{}', { signers: rootKeys, ...fresh() })],
  ])('%s makes no root', (_title, make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'root_invalid' }));
  });

  test('root keys can be replaced, signed by the old and the new', () => {
    const next = [generateKey(), generateKey()];
    const second = rotateRoot(first, { signers: [...rootKeys, ...next], rootKeys: next, threshold: 2, ...fresh() });
    const third = rotateRoot(second, { signers: next, ...fresh() });
    expect(verifyRootChain([first, second, third], fingerprint)).toMatchObject({ version: 3 });
    expect(() => rotateRoot(second, { signers: rootKeys, ...fresh() })).toThrow();
  });
});

describe('following roots', () => {
  const second = rotateRoot(first, { signers: rootKeys, ...fresh() });

  test('an epoch starts when all three online keys are new since the last one', () => {
    const keep = (root: string, keys: Partial<Record<'targets' | 'snapshot' | 'timestamp', Signer>>) =>
      rotateRoot(root, { signers: rootKeys, online: { ...generateOnlineKeys(), ...keys }, expires: EXPIRES });
    const onlyTimestamp = keep(first, { targets: online.targets, snapshot: online.snapshot });
    const butTargets = keep(onlyTimestamp, { targets: online.targets });
    const all = keep(butTargets, {});
    const epochs = [1, 2, 3, 4].map((n) =>
      verifyRootChain([first, onlyTimestamp, butTargets, all].slice(0, n), fingerprint),
    );
    expect(epochs.map((chain) => (isRefusal(chain) ? chain : chain.epoch))).toEqual([1, 1, 1, 4]);
  });

  const stranger = [generateKey(), generateKey()];
  const strangers = createRoot({
    rootKeys: stranger,
    threshold: 1,
    online: generateOnlineKeys(),
    version: 2,
    expires: EXPIRES,
  });
  test.each<[string, string, [number, string][], string[]]>([
    ['the pinned root', 'verified', [[1, first]], []],
    ['its successor', 'verified', [[2, second]], [first]],
    [
      'both at once, in any order',
      'verified',
      [
        [2, second],
        [1, first],
      ],
      [],
    ],
    ['what is trusted already', 'verified', [[1, first]], [first]],
    ['nothing', 'missing_file', [], []],
    ['a gap', 'missing_file', [[3, second]], [first]],
    ['another first root', 'foreign_root', [[1, strangers]], []],
    ['another root in a trusted place', 'foreign_root', [[1, strangers]], [first]],
    ['a successor by strangers', 'foreign_root', [[2, strangers]], [first]],
    ['the first root as the second', 'mixed_versions', [[2, first]], [first]],
  ])('%s is %s', (_title, code, offered, held) => {
    expect(codeOf(extendRootChain(held, new Map(offered), fingerprint))).toBe(code);
  });

  test('a signature by a stranger, added to good ones, is refused', () => {
    const document = JSON.parse(second) as { signatures: { keyid: string; sig: string }[]; signed: object };
    document.signatures.push({ keyid: generateKey().keyId, sig: '0'.repeat(128) });
    const text = JSON.stringify({ signatures: document.signatures, signed: document.signed });
    expect(codeOf(verifyRootChain([first, text], fingerprint))).toBe('bad_signature');
  });

  test('no flipped character of any root verifies', () => {
    fc.assert(
      fc.property(fc.constantFrom(0, 1), fc.nat(), fc.integer({ min: 0, max: 6 }), (which, seed, bit) => {
        const texts = [first, second];
        const text = texts[which] ?? '';
        const at = seed % text.length;
        texts[which] = text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << bit)) + text.slice(at + 1);
        expect(codeOf(verifyRootChain(texts, fingerprint))).not.toBe('verified');
      }),
      { numRuns: 300 },
    );
  });
});
