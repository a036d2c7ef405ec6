// Every fault a certificate can have, made by openssl and judged.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CertificateMaker, createCertificateMaker } from '../test/certificate-maker.ts';
import { type CertificateFault, FULLCHAIN_CHARACTERS_MAX, judgeCertificate, type Submission } from './certificate.ts';

const DAY_MS = 86_400_000;
const NOW = Date.now();
const RSA = ['-algorithm', 'RSA', '-pkeyopt'];
let maker: CertificateMaker;
let foreign: CertificateMaker;

beforeAll(async () => {
  [maker, foreign] = await Promise.all([createCertificateMaker(), createCertificateMaker('foreign CA')]);
});
afterAll(() => Promise.all([maker.close(), foreign.close()]));

async function judge(
  hostname: string,
  request: Partial<Parameters<CertificateMaker['make']>[0]> = {},
  change: Partial<Submission> = {},
) {
  const { fullchain, key } = await maker.make({ names: [`DNS:${hostname}`], ...request });
  return judgeCertificate({ fullchain, key, hostname, now: NOW, ...change });
}

test('a good certificate is accepted with its times, and written anew without what stood around it', async () => {
  const { fullchain, key } = await maker.make({ names: ['DNS:app.hoge.com'] });
  const padded = `Bag Attributes: x\n${key}${fullchain.replaceAll('\n', '\r\n')}# end`;
  const verdict = judgeCertificate({ fullchain: padded, key: `junk\n${key}`, hostname: 'app.hoge.com', now: NOW });
  expect(verdict).toMatchObject({ ok: true, fullchain });
  if (!verdict.ok) return;
  expect(verdict.key).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
  expect(verdict.notBefore).toBeLessThan(NOW);
  expect(verdict.notAfter).toBeGreaterThan(NOW);
  expect(verdict.fingerprint256).toMatch(/^[0-9a-f]{64}$/);
  expect(verdict.fullchain).not.toContain('PRIVATE');
});

test.each([
  ['app.hoge.com', ['DNS:app.hoge.com'], true],
  ['app.hoge.com', ['DNS:*.hoge.com'], true],
  ['app.hoge.com', ['DNS:APP.hoge.com'], true],
  ['*.hoge.com', ['DNS:*.hoge.com'], true],
  ['*.hoge.com', ['DNS:app.hoge.com', 'DNS:any-label.hoge.com'], false],
  ['a.app.hoge.com', ['DNS:*.hoge.com'], false],
  ['hoge.com', ['DNS:*.hoge.com'], false],
  ['app.hoge.com', ['DNS:a*.hoge.com'], false],
  ['app.hoge.com', ['DNS:*.com'], false],
  ['app.hoge.com', ['DNS:else.example', 'email:app.hoge.com@x.example'], false],
])('%s by %j: %s', async (hostname, names, covered) => {
  const verdict = await judge(hostname, { names });
  expect(verdict.ok || verdict.code).toBe(covered ? true : 'wrong_name');
});

const FAULTS: [CertificateFault, string, () => Promise<unknown>][] = [
  [
    'expired',
    'it ended',
    () => judge('a.hoge.com', { notBefore: new Date(NOW - 9 * DAY_MS), notAfter: new Date(NOW - DAY_MS) }),
  ],
  ['not_yet_valid', 'it begins in an hour', () => judge('a.hoge.com', { notBefore: new Date(NOW + 3_600_000) })],
  ['authority_certificate', 'it is a CA', () => judge('a.hoge.com', { ca: true })],
  [
    'wrong_name',
    'it is a CA, for another name besides',
    () => judge('a.hoge.com', { ca: true, names: ['DNS:b.hoge.com'] }),
  ],
  [
    'not_for_servers',
    'it is for clients',
    () => judge('a.hoge.com', { extensions: ['extendedKeyUsage = clientAuth'] }),
  ],
  ['weak_key', 'RSA of 1024 bits', () => judge('a.hoge.com', { keyArguments: [...RSA, 'rsa_keygen_bits:1024'] })],
  [
    'weak_key',
    'RSA of more bits than a handshake should cost',
    () => judge('a.hoge.com', { keyArguments: [...RSA, 'rsa_keygen_bits:4104', '-pkeyopt', 'rsa_keygen_primes:4'] }),
  ],
  [
    'weak_key',
    'an unusual curve',
    () => judge('a.hoge.com', { keyArguments: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1'] }),
  ],
  [
    'key_mismatch',
    'the key of another',
    async () => judge('a.hoge.com', {}, { key: (await maker.make({ names: ['DNS:a.hoge.com'] })).key }),
  ],
  ['bad_key', 'no key', () => judge('a.hoge.com', {}, { key: 'none' })],
  ['bad_key', 'a public key', () => judge('a.hoge.com', {}, { key: maker.issuer })],
  ['too_large', 'a key of a megabyte', () => judge('a.hoge.com', {}, { key: 'A'.repeat(1_000_000) })],
  [
    'too_large',
    'a chain over the bound',
    () => judge('a.hoge.com', {}, { fullchain: ' '.repeat(FULLCHAIN_CHARACTERS_MAX + 1) }),
  ],
  ['chain_too_long', 'seven certificates', () => judge('a.hoge.com', {}, { fullchain: maker.issuer.repeat(7) })],
  ['not_pem', 'nothing', () => judge('a.hoge.com', {}, { fullchain: '' })],
  [
    'not_pem',
    'PEM without ASN.1',
    () => judge('a.hoge.com', {}, { fullchain: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' }),
  ],
  ['bad_hostname', 'a path', async () => judgeCertificate({ fullchain: '', key: '', hostname: '../x', now: NOW })],
  ['older', 'one is held that is newer', () => judge('a.hoge.com', {}, { notOlderThan: NOW })],
  [
    'broken_chain',
    'a foreign issuer follows',
    async () => {
      const { leaf, key } = await maker.make({ names: ['DNS:a.hoge.com'] });
      return judgeCertificate({ fullchain: `${leaf}${foreign.issuer}`, key, hostname: 'a.hoge.com', now: NOW });
    },
  ],
  [
    'broken_chain',
    'the leaf stands twice',
    async () => {
      const { leaf, key } = await maker.make({ names: ['DNS:a.hoge.com'] });
      return judgeCertificate({ fullchain: `${leaf}${leaf}`, key, hostname: 'a.hoge.com', now: NOW });
    },
  ],
];

test.each(FAULTS)('%s: %s', async (code, _title, judged) => {
  expect(await judged()).toMatchObject({ ok: false, code, detail: expect.stringMatching(/./) });
});

test('RSA of 2048 bits and a clock that is three minutes behind are accepted', async () => {
  const rsa = await judge('a.hoge.com', { keyArguments: [...RSA, 'rsa_keygen_bits:2048'] });
  expect(rsa.ok).toBe(true);
  expect((await judge('a.hoge.com', { notBefore: new Date(NOW + 180_000) })).ok).toBe(true);
});
