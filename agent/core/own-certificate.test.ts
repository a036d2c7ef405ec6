// What was given for a route against what the pool hands over: while the route asks for it nothing takes its place, afterwards anything does.
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import type { SealedCertificate } from '../../bundle/api.ts';
import { signRelayed } from '../../bundle/relayed.ts';
import type { CertificateSource, HeldCertificate } from '../ports/certificate-store.ts';
import { judgeGiven, ownCertificates, standingAgainst } from './own-certificate.ts';
import { judgeEnvelope } from './sealed-certificate.ts';

const HOST = 'app.hoge.com';
const NOW = Date.parse('2026-11-22T12:00:00Z');
const DAY_MS = 86_400_000;
const { privateKey } = generateKeyPairSync('ed25519');
const signingKey = createPublicKey(privateKey).export({ format: 'jwk' }).x!;

const held = (source: CertificateSource): HeldCertificate => ({
  ...{
    hostname: HOST,
    source,
    notBefore: NOW - DAY_MS,
    notAfter: NOW + 80 * DAY_MS,
    fingerprint256: 'f',
    keptFrom: [],
  },
});

/** What the edge makes of a parcel by e2 that begins so many days from now. */
function envelope(source: CertificateSource, orderer: string | undefined, days: number) {
  const item = signRelayed<SealedCertificate>(
    {
      ...{ hostname: HOST, recipient: 'age1now', sealed: 'QUJD', by: 'e2' },
      notBefore: new Date(NOW + days * DAY_MS).toISOString(),
      notAfter: new Date(NOW + 90 * DAY_MS).toISOString(),
    },
    privateKey,
  );
  return judgeEnvelope(item, {
    ...{ me: 'e1', recipient: 'age1now', now: NOW, members: [{ node: 'e2', recipient: 'age1e2', signingKey }] },
    hosts: new Map([[HOST, orderer]]),
    held: standingAgainst(held(source), orderer),
  }).kind;
}

test.each<[CertificateSource, string | undefined, number, string]>([
  // While the route asks for it: whatever comes is kept for the day on which it does not.
  ['given', undefined, -0.5, 'later'],
  ['given', undefined, -2, 'later'],
  // Afterwards: from whom it may be, and an older one too.
  ['given', 'e2', -0.5, 'open'],
  ['given', 'e2', -2, 'open'],
  ['given', 'e3', -2, 'open'],
  // As ever.
  ['imported', undefined, -0.5, 'skip'],
  ['ordered', 'e2', -0.5, 'open'],
  ['ordered', 'e2', -2, 'refuse'],
])('with one that was %s, and the orderer %s, one that begins after %d days: %s', (source, orderer, days, kind) => {
  expect(envelope(source, orderer, days)).toBe(kind);
});

test('finds what routes bring, and what they miss', () => {
  const plain = { backends: [], limits: { maxBodyBytes: 1 } };
  const routes = [
    { ...plain, hostname: 'a.hoge.com', ownCertificate: { sealed: 'QUJD' } },
    { ...plain, hostname: 'b.hoge.com', ownCertificate: {} },
    { ...plain, hostname: 'c.hoge.com', orderer: 'e1' },
  ];
  expect([...ownCertificates([{ routes }])]).toEqual([
    ['a.hoge.com', 'QUJD'],
    ['b.hoge.com', undefined],
  ]);
});

test.each([
  ['another route is served by it', { certificate: '*.hoge.com' }, []],
  ['another route passes through', { certificate: '*.hoge.com', protocol: 'tls' as const }, ['*.hoge.com']],
  ['all others have certificates of their own', {}, ['*.hoge.com']],
])('of a wildcard that one route brings, when %s', (_, other, expected) => {
  const plain = { backends: [], limits: { maxBodyBytes: 1 } };
  const bringing = { ...plain, hostname: '*.hoge.com', ownCertificate: { sealed: 'QUJD' } };
  const served = { ...plain, hostname: 'a.hoge.com', orderer: 'e1', ...other };
  for (const chunks of [[{ routes: [bringing, served] }], [{ routes: [served] }, { routes: [bringing] }]])
    expect([...ownCertificates(chunks).keys()]).toEqual(expected);
});

test.each(['', 'null', '1', '[]', '{"fullchain":"x"}', '{"fullchain":"x","key":1}', '{"fullchain":"","key":""}'])(
  'takes no certificate out of %j',
  (text) => {
    expect(judgeGiven(HOST, text, NOW)).toEqual({
      ok: false,
      reason: expect.stringMatching(/^(it holds no|not_pem: )/),
    });
  },
);
