// The file of `--private-ca`: an authority of one's own, beside those that browsers know.
import { X509Certificate } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { KokoaError } from '../../bundle/error.ts';
import { pemParts } from '../core/pem-parts.ts';
import { printable } from './problem-text.ts';

const PRIVATE_CA_BYTES_MAX = 256 * 1024;

/** The certificates of an authority of one's own: public, so any mode will do. @throws KokoaError usage */
export async function readPrivateCa(path: string): Promise<string[]> {
  const refuse = (why: string, cause?: unknown) =>
    new KokoaError('usage', `--private-ca: ${printable(path)} ${why}`, {
      hint: 'give the certificate of the authority, as PEM',
      cause,
    });
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const found = await file.stat();
      if (!found.isFile() || found.size > PRIVATE_CA_BYTES_MAX) throw refuse('is no plain file of bounded size');
      const parts = pemParts(await file.readFile('utf8'));
      if (!parts.ok) throw refuse(parts.reason);
      if (parts.certificates.length === 0) throw refuse('holds no certificate');
      if (parts.certificates.some((pem) => !new X509Certificate(pem).ca))
        throw refuse('holds a certificate that is none of an authority');
      return parts.certificates;
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof KokoaError) throw cause;
    throw refuse(`cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'no certificate'})`, cause);
  }
}
