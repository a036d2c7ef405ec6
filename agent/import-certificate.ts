// `kokoa-agent certs import`: a certificate that a person brings to this edge, for example for a wildcard. It is judged like any
// other and stays on this edge.
import { open } from 'node:fs/promises';
import {
  type AcceptedCertificate,
  type CertificateFault,
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
  bad_hostname: 'write it as in the route: lower case, as A-labels (xn--…), such as app.hoge.com or *.hoge.com',
  not_pem: '--cert takes a PEM file: the certificate first, then its issuers',
  broken_chain: 'order the file as leaf, then the issuer of each certificate before it',
  authority_certificate:
    'the first certificate of the file must be the one of the host; of a self-signed one, add -addext basicConstraints=CA:FALSE',
  bad_key: '--key takes a PEM private key without pass phrase',
  key_mismatch: 'give the key that the certificate was requested with',
  expired: 'give the renewed one; is the clock of this machine right?',
  not_yet_valid: 'give one that is valid now; is the clock of this machine right?',
  weak_key: 'have one made for a key of RSA 2048 to 4096 bits, P-256, P-384 or P-521',
  not_for_servers: 'give a certificate for servers, not one for clients or mail',
  chain_too_long: 'leave out what is no issuer of the one before it, and the root',
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
    const detail = detailOf(verdict, request);
    throw new KokoaError('import_refused', `${verdict.code}: ${detail}`, { ...(hint && { hint }) });
  }
  await certsDir.write(hostname, verdict, 'imported');
  return verdict;
}

/** With what the judge does not know: how the name was typed, and which file it was. */
function detailOf(
  { code, detail }: { code: CertificateFault; detail: string },
  { hostname, certFile, keyFile }: ImportRequest,
): string {
  if (code === 'bad_hostname') return nameFault(hostname) ?? detail;
  if (code === 'not_pem') return `${certFile}: ${detail}`;
  return code === 'bad_key' ? `${keyFile}: ${detail}` : detail;
}

/** Why no route can have this name; undefined: for another reason. */
function nameFault(hostname: string): string | undefined {
  const name = JSON.stringify(hostname.slice(0, 80)).slice(1, -1);
  if (/[/:@]/.test(hostname)) return `${name} is no hostname alone: leave out https://, ports and paths`;
  if (hostname.endsWith('.')) return `${name} has a dot at its end`;
  if (hostname !== hostname.toLowerCase()) return `${name} is not in lower case`;
  if (hostname.replace(/^\*\./, '').includes('*')) return `${name} has its * in another place than its first label`;
  if (/^[a-z0-9-]*$/.test(hostname))
    return `${name} has one label, expected two or more, such as ${name || 'app'}.example.com`;
  const odd = hostname.split('.').find((label) => label !== '*' && !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label));
  if (odd === undefined) return undefined;
  const label = JSON.stringify(odd.slice(0, 80));
  return `${label} is no label of a hostname: a to z, digits and dashes between them, 63 at most, no underscore`;
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
