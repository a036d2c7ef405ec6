// Keys come back from their PEM, and nothing that prints a signer prints its key.
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { exportPem, generateKey, type Signer, signerFromPem } from './keys.ts';

test('a signer read back from its PEM is the same key', () => {
  const signer = generateKey();
  const again = signerFromPem(exportPem(signer));
  expect([again.keyId, again.publicKeyHex]).toEqual([signer.keyId, signer.publicKeyHex]);
  expect(again.sign(Buffer.from('x'))).toBe(signer.sign(Buffer.from('x')));
});

test('a signature verifies under the public half', () => {
  const signer = generateKey();
  const x = Buffer.from(signer.publicKeyHex, 'hex').toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  expect(verify(null, Buffer.from('x'), key, Buffer.from(signer.sign(Buffer.from('x')), 'hex'))).toBe(true);
});

test('printing a signer shows no private key', () => {
  const signer = generateKey();
  const secret = exportPem(signer).split('\n')[1] ?? '';
  const { d = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  expect(d).not.toBe('');
  const printed = inspect(signer, { depth: null, showHidden: true }) + JSON.stringify(signer);
  expect(printed).not.toContain(secret);
  expect(printed).not.toContain('PRIVATE');
});

const rsa = () =>
  generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });

test.each([
  ['nothing', () => ''],
  ['a word', () => 'SECRET-WORD'],
  ['another kind of key', () => rsa().toString()],
])('%s is no key, and the error does not repeat it', (_title, text) => {
  const given = text();
  try {
    signerFromPem(given);
    expect.unreachable();
  } catch (error) {
    expect(error).toMatchObject({ code: 'key_unreadable' });
    if (given !== '') expect(inspect(error)).not.toContain(given.slice(0, 60));
  }
});

test('a signer made elsewhere gives out no key', () => {
  const hollow: Signer = { keyId: '', publicKeyHex: '', sign: () => '' };
  expect(() => exportPem(hollow)).toThrow(expect.objectContaining({ code: 'key_unreadable' }));
});
