// The CAs that may vouch for the control plane: those that the owner gave, or the system's.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { getCACertificates } from 'node:tls';
import { KokoaError } from '../../bundle/error.ts';

/** The only CAs to trust, as PEM or in a file; neither: the system's. */
export interface GivenAuthorities {
  ca?: string | undefined;
  caFile?: string | undefined;
}

/** PEM. @throws KokoaError bad_ca */
export function authorities({ ca, caFile }: GivenAuthorities): string[] | string {
  if (ca === undefined && caFile === undefined)
    return [...new Set([...getCACertificates('default'), ...getCACertificates('system')])];
  try {
    const pem = ca ?? readFileSync(caFile!, 'utf8');
    new X509Certificate(pem);
    return pem;
  } catch (cause) {
    throw new KokoaError('bad_ca', `${caFile ?? 'the CA that was given'} holds no certificate that could be read`, {
      hint: 'give a PEM file with the certificate of the CA that vouches for the control plane',
      cause,
    });
  }
}
