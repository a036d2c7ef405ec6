// The CAs that may vouch for the control plane: those in the file that the owner gave, or the system's.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { getCACertificates } from 'node:tls';
import { KokoaError } from '../../bundle/error.ts';

/** PEM. @throws KokoaError bad_ca */
export function authorities(caFile: string | undefined): string[] | string {
  if (caFile === undefined) return [...new Set([...getCACertificates('default'), ...getCACertificates('system')])];
  try {
    const pem = readFileSync(caFile, 'utf8');
    new X509Certificate(pem);
    return pem;
  } catch (cause) {
    throw new KokoaError('bad_ca', `${caFile} holds no certificate that could be read`, {
      hint: 'give a PEM file with the certificate of the CA that vouches for the control plane',
      cause,
    });
  }
}
