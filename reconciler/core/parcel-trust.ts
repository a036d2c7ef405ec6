// Which certificates of a lost pool a new machine gets. Law: whoever writes the store can seal a pair of their own to the pool and name any
// edge as its giver, so neither that it opens nor whose name it has is believed: an authority must have signed it.
import { X509Certificate } from 'node:crypto';
import type { SealedCertificate } from '../../bundle/api.ts';
import { verifyRelayed } from '../../bundle/relayed.ts';
import { issuerName, type Trust } from './certificate-trust.ts';
import { pemParts } from './pem-parts.ts';

/** Of an edge, as it announced them last. */
export interface SignerKeys {
  /** Raw ed25519 public key, base64url. */
  signingKey: string;
  recipient?: string;
}

export interface ParcelTrust {
  /** One of them must know the issuer. */
  authorities: readonly Trust[];
  /** By node; what is not in it is not asked. From a file: of any shape. */
  signers: Readonly<Record<string, SignerKeys | undefined>>;
  /** age recipient of the machine that gets the parcel: under the name of a lost edge it has another signing key. */
  recipient: string;
  /** Nodes whose name another machine has now. */
  replaced: readonly string[];
}

/** Why it is left out; undefined: it is not. `fullchain`: judged, so each is signed by the next. */
export function distrust(item: SealedCertificate, fullchain: string, trust: ParcelTrust): string | undefined {
  const { by } = item;
  const signer = signerOf(by, trust);
  if (signer !== undefined && !verifyRelayed(item, signer.signingKey))
    return `its signature is not that of ${by}: where another machine has this name now, add --replaced ${by}`;
  const parts = pemParts(fullchain);
  const chain = parts.ok ? parts.certificates.map((pem) => new X509Certificate(pem)) : [];
  if (trust.authorities.some((authority) => authority.isPublic(chain))) return undefined;
  const issuer = chain.length === 0 ? 'none' : issuerName(chain.at(-1)!);
  return `no authority that browsers know signed it (issuer: ${issuer}): where that is yours, add --private-ca`;
}

function signerOf(by: string, { signers, recipient, replaced }: ParcelTrust): SignerKeys | undefined {
  if (replaced.includes(by) || !Object.hasOwn(signers, by)) return undefined;
  const signer = signers[by];
  return typeof signer?.signingKey !== 'string' || signer.recipient === recipient ? undefined : signer;
}
