// Who trusts an issuer: browsers, the proxies of one provider alone, or whoever was told to. Of a certificate only the name of its issuer is
// repeated, in characters that act on nothing.
import { X509Certificate } from 'node:crypto';

export interface Trust {
  /** True when a root that browsers know signed one of these, or is one of them. */
  isPublic(chain: readonly X509Certificate[]): boolean;
}

/**
 * Issuers that only a provider's proxy trusts. Cloudflare Origin CA signs as `CloudFlare Origin SSL [ECC] Certificate Authority`
 * (https://developers.cloudflare.com/ssl/origin-configuration/origin-ca/); others of the kind call themselves by what they are for.
 */
const PROVIDER_ONLY: readonly RegExp[] = [
  /\bcloudflare origin\b/i,
  /\borigin\b.{0,40}\b(?:CA|certificate authority)\b/i,
  /\borigin[- ]pull\b/i,
];
const NAME_CHARACTERS_MAX = 100;

/** `roots`: PEM, one each. They are read when the first chain is asked about. */
export function createTrust(roots: readonly string[]): Trust {
  let bySubject: Map<string, X509Certificate[]> | undefined;
  return {
    isPublic(chain) {
      bySubject ??= Map.groupBy(
        roots.map((pem) => new X509Certificate(pem)),
        ({ subject }) => subject,
      );
      return chain.some((one) => bySubject!.get(one.issuer)?.some((root) => one.verify(root.publicKey)));
    },
  };
}

/** The name of an issuer in the chain that only a provider's proxy trusts. Ask only about what is not public. */
export function providerOnlyIssuer(chain: readonly X509Certificate[]): string | undefined {
  const found = chain.find(({ issuer }) => PROVIDER_ONLY.some((pattern) => pattern.test(issuer)));
  return found && issuerName(found);
}

/** Its common name; without one its unit, or organisation. */
export function issuerName({ issuer }: X509Certificate): string {
  const parts = issuer.split('\n');
  const part = ['CN=', 'OU=', 'O='].flatMap((field) => parts.filter((one) => one.startsWith(field)))[0];
  const name = part?.slice(part.indexOf('=') + 1).replace(/[^ -~]/g, '?') ?? '';
  return name === '' ? 'without a name' : name.slice(0, NAME_CHARACTERS_MAX);
}
