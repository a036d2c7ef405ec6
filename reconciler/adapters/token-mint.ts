// Makes node tokens. The signing key lives for one call: nobody verifies the signature later, the token's sha256 in git is the
// trust. Signing makes it a well-formed JWT with 256 bits nobody can guess.
import { randomUUID } from 'node:crypto';
import { generateKeyPair, SignJWT } from 'jose';
import { sha256Hex } from '../../bundle/canonical.ts';

const ALGORITHM = 'EdDSA';

export interface TokenRequest {
  node: string;
  generation: number;
  expires?: Date;
}

/** `token` is shown once and kept nowhere; `sha256` (hex) goes into git. */
export interface MintedToken {
  token: string;
  sha256: string;
}

export async function mintToken({ node, generation, expires }: TokenRequest): Promise<MintedToken> {
  const { privateKey } = await generateKeyPair(ALGORITHM);
  const claims = new SignJWT({ gen: generation }).setSubject(node).setJti(randomUUID());
  if (expires !== undefined) claims.setExpirationTime(expires);
  const token = await claims.setProtectedHeader({ alg: ALGORITHM }).sign(privateKey);
  return { token, sha256: sha256Hex(token) };
}
