// `kokoa-agent certs import`: a certificate that a person brings to this edge, for example for a wildcard. It is judged like any
// other and stays on this edge.
import { open } from 'node:fs/promises';
import {
  type AcceptedCertificate,
  FULLCHAIN_CHARACTERS_MAX,
  judgeCertificate,
  KEY_CHARACTERS_MAX,
} from '../bundle/certificate.ts';
import { KokoaError } from '../bundle/error.ts';
import type { CertificateStore } from './ports/certificate-store.ts';

export interface ImportRequest {
  /** Canonical; may be `*.name`. */
  hostname: string;
  /** PEM, leaf first, then its issuers. */
  certFile: string;
  /** PEM, not encrypted. */
  keyFile: string;
  certsDir: CertificateStore;
  /** ms since the epoch. */
  now: number;
}

const HINTS: Partial<Record<string, string>> = {
  bad_hostname: 'write it in lower case, as A-labels, without trailing dot',
  not_pem: '--cert takes a PEM file: the certificate first, then its issuers',
  broken_chain: 'order the file as leaf, then the issuer of each certificate before it',
  authority_certificate:
    'the first certificate of the file must be the one of the host; of a self-signed one, add -addext basicConstraints=CA:FALSE',
  bad_key: '--key takes a PEM private key without pass phrase',
  key_mismatch: 'give the key that the certificate was requested with',
  wrong_name: 'give a certificate whose subject alternative names include the host',
};

/**
 * Judges both files and stores them for this host on this edge. It replaces any certificate held, an older one included.
 * @throws KokoaError import_unreadable, import_refused, certificate_store_failed
 */
export async function importCertificate(request: ImportRequest): Promise<AcceptedCertificate> {
  const { hostname, certFile, keyFile, certsDir, now } = request;
  const fullchain = await readBounded(certFile, FULLCHAIN_CHARACTERS_MAX);
  const key = await readBounded(keyFile, KEY_CHARACTERS_MAX);
  const verdict = judgeCertificate({ fullchain, key, hostname, now });
  if (!verdict.ok) {
    const hint = HINTS[verdict.code];
    throw new KokoaError('import_refused', `${verdict.code}: ${verdict.detail}`, { ...(hint && { hint }) });
  }
  await certsDir.write(hostname, verdict, 'imported');
  return verdict;
}

async function readBounded(path: string, bytesMax: number): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(bytesMax + 1), 0, bytesMax + 1, 0);
      if (bytesRead <= bytesMax) return buffer.subarray(0, bytesRead).toString('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new KokoaError('import_unreadable', `cannot read ${path}: ${(error as NodeJS.ErrnoException).code}`, {
      hint: 'give a PEM file that is there and that this user may read',
      cause: error,
    });
  }
  throw new KokoaError('import_unreadable', `${path} has more than ${bytesMax} bytes`, { hint: 'is it a PEM file?' });
}
