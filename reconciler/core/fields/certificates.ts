// Certificates as people paste them. Law: only X.509 certificates pass; a private key is called what it is, and no part of the text is
// ever repeated.
import { X509Certificate } from 'node:crypto';

/** RFC 7468: nothing before, between or after the blocks but white space. */
const BLOCKS = /^\s*(?:-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*)+$/;
const BLOCK = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g;

export type CertificatesJudgement =
  | { kind: 'certificates' }
  | { kind: 'private-key' }
  /** `found`, in words without any of the text. */
  | { kind: 'refused'; found: string };

export function judgeCertificates(text: string): CertificatesJudgement {
  if (text.includes('PRIVATE KEY')) return { kind: 'private-key' };
  if (!BLOCKS.test(text)) return { kind: 'refused', found: 'text that is no PEM certificate, or more than that' };
  const broken = [...text.matchAll(BLOCK)].findIndex(([, body]) => !isCertificate(body!));
  if (broken === -1) return { kind: 'certificates' };
  return { kind: 'refused', found: `a certificate (number ${broken + 1}) that cannot be read` };
}

/** Nothing before, nothing after it: other programs read the same bytes. */
function isCertificate(base64: string): boolean {
  const bytes = Buffer.from(base64, 'base64');
  try {
    return new X509Certificate(bytes).raw.equals(bytes) && bytes.toString('base64') === base64.replace(/\s/g, '');
  } catch {
    return false;
  }
}
