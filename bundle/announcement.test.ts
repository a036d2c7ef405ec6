// Signatures on reports: what is changed, or said for another node, never verifies.
import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isSignedReport, signReport } from './announcement.ts';
import type { StatusReport } from './api.ts';

const { privateKey: signingKey, publicKey } = generateKeyPairSync('ed25519');
const REPORT: StatusReport = {
  agentVersion: '1.0.0',
  state: 'applied',
  applied: 'a'.repeat(64),
  tunnels: [{ node: 'home', handshakeAgeSeconds: null }],
  enrolment: {
    wireguardPublicKey: `${'A'.repeat(43)}=`,
    signingKey: publicKey.export({ format: 'jwk' }).x!,
    address: { ipv4: '192.0.2.1' },
    formats: [1],
  },
};
const SIGNED = signReport(REPORT, { node: 'tokyo-1', sequence: 7, signingKey });

test('what was signed verifies after its way as JSON, in any order, for its node alone', () => {
  const arrived = JSON.parse(JSON.stringify(Object.fromEntries(Object.entries(SIGNED).reverse()))) as StatusReport;
  expect(isSignedReport(arrived, 'tokyo-1')).toBe(true);
  expect(isSignedReport(arrived, 'tokyo-2')).toBe(false);
  expect(signReport(SIGNED, { node: 'tokyo-1', sequence: 7, signingKey })).toEqual(SIGNED);
});

test.each<[string, Partial<StatusReport>]>([
  ['no signature', { signature: undefined as never }],
  ['a signature of another length', { signature: SIGNED.signature!.slice(1) }],
  ['another number', { sequence: 8 }],
  ['no number', { sequence: undefined as never }],
  ['a member more', { lkg: 'b'.repeat(64) }],
  ['another address', { enrolment: { ...REPORT.enrolment, address: { ipv4: '192.0.2.2' } } }],
  ['another signing key', { enrolment: { ...REPORT.enrolment, signingKey: 'A'.repeat(43) } }],
  ['a number that has no canonical form', { tunnels: [{ node: 'home', handshakeAgeSeconds: 0.5 }] }],
])('%s never verifies, and never throws', (_, change) => {
  expect(isSignedReport({ ...SIGNED, ...change }, 'tokyo-1')).toBe(false);
});

test('a changed bit anywhere in the signature never verifies', () => {
  const bytes = Buffer.from(SIGNED.signature!, 'base64url');
  fc.assert(
    fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
      const changed = Buffer.from(bytes);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      return !isSignedReport({ ...SIGNED, signature: changed.toString('base64url') }, 'tokyo-1');
    }),
  );
});
