// Judges a certificate and its key before they are stored or served. Law: what is stored is what was judged, written anew,
// so nothing rides along in the text.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isCanonicalHostname, isWildcard } from './certificate-name.ts';

/** A chain of four RSA 4096 certificates has 10 KB. */
export const FULLCHAIN_CHARACTERS_MAX = 48 * 1024;
export const KEY_CHARACTERS_MAX = 16 * 1024;
export const CHAIN_CERTIFICATES_MAX = 6;
/** A CA's clock may be ahead of ours by this much. */
export const CLOCK_SKEW_MS = 5 * 60_000;

const RSA_BITS_MIN = 2048;
/** A handshake with twice as many costs a web server tens of milliseconds, and everybody may begin one. */
const RSA_BITS_MAX = 4096;
const CURVES: readonly string[] = ['prime256v1', 'secp384r1', 'secp521r1'];
/** id-kp-serverAuth, RFC 5280 §4.2.1.12. */
const SERVER_AUTHENTICATION = '1.3.6.1.5.5.7.3.1';
const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

export interface Submission {
  /** PEM, leaf first. */
  fullchain: string;
  /** PEM, not encrypted. */
  key: string;
  /** Canonical; may be `*.name`. */
  hostname: string;
  /** ms since the epoch. */
  now: number;
  /** ms: the leaf's notBefore may not be earlier than this. */
  notOlderThan?: number;
}

export interface AcceptedCertificate {
  ok: true;
  notBefore: number;
  notAfter: number;
  /** sha256 of the leaf, lower-case hex. */
  fingerprint256: string;
  /** The certificates alone, leaf first. */
  fullchain: string;
  /** PKCS #8 PEM. */
  key: string;
}

export type CertificateFault =
  | 'bad_hostname'
  | 'too_large'
  | 'not_pem'
  | 'chain_too_long'
  | 'authority_certificate'
  | 'not_for_servers'
  | 'wrong_name'
  | 'bad_key'
  | 'weak_key'
  | 'key_mismatch'
  | 'not_yet_valid'
  | 'expired'
  | 'broken_chain'
  | 'older';

export type Judgement = AcceptedCertificate | { ok: false; code: CertificateFault; detail: string };

/** Everything that can be known without asking anybody. Trust in the issuer is not judged: that is what orderers and signatures are for. */
export function judgeCertificate(submission: Submission): Judgement {
  const { fullchain, hostname, now, notOlderThan } = submission;
  if (!isCanonicalHostname(hostname)) return fault('bad_hostname', 'the hostname is not in canonical form');
  const chain = parseChain(fullchain);
  if ('ok' in chain) return chain;
  const [leaf, ...issuers] = chain.certificates;
  const key = parseKey(submission.key);
  if ('ok' in key) return key;

  const wrong =
    judgeLeaf(leaf!, hostname) ??
    judgeKey(leaf!, key.key) ??
    judgeRole(leaf!) ??
    judgeTimes(chain.certificates, now) ??
    judgeIssuers(leaf!, issuers);
  if (wrong) return wrong;
  const notBefore = leaf!.validFromDate.getTime();
  if (notOlderThan !== undefined && notBefore < notOlderThan) {
    return fault('older', `issued ${iso(notBefore)}, the one held since ${iso(notOlderThan)}`);
  }
  return {
    ok: true,
    notBefore,
    notAfter: leaf!.validToDate.getTime(),
    fingerprint256: fingerprintOf(leaf!),
    fullchain: chain.certificates
      .map((certificate) => certificate.toString().trim())
      .join('\n')
      .concat('\n'),
    key: key.key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** sha256 of the DER, lower-case hex without colons. */
export function fingerprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
}

function parseChain(fullchain: string): { certificates: X509Certificate[] } | Rejection {
  if (typeof fullchain !== 'string' || fullchain.length > FULLCHAIN_CHARACTERS_MAX) {
    return fault('too_large', `the chain has more than ${FULLCHAIN_CHARACTERS_MAX} characters`);
  }
  const blocks = fullchain.match(PEM_CERTIFICATE) ?? [];
  if (blocks.length === 0) return fault('not_pem', 'no PEM certificate found');
  if (blocks.length > CHAIN_CERTIFICATES_MAX) {
    return fault('chain_too_long', `${blocks.length} certificates found, at most ${CHAIN_CERTIFICATES_MAX} expected`);
  }
  try {
    return { certificates: blocks.map((block) => new X509Certificate(block)) };
  } catch {
    return fault('not_pem', 'a PEM block holds no X.509 certificate');
  }
}

function parseKey(pem: string): { key: KeyObject } | Rejection {
  if (typeof pem !== 'string' || pem.length > KEY_CHARACTERS_MAX) {
    return fault('too_large', `the key has more than ${KEY_CHARACTERS_MAX} characters`);
  }
  try {
    return { key: createPrivateKey(pem) };
  } catch {
    return fault('bad_key', 'the key is no unencrypted PEM private key');
  }
}

function judgeLeaf(leaf: X509Certificate, hostname: string): Rejection | undefined {
  // Node calls the extended key usage `keyUsage`; a certificate without it is for everything.
  if (leaf.keyUsage && !leaf.keyUsage.includes(SERVER_AUTHENTICATION)) {
    return fault('not_for_servers', 'its extended key usage does not include server authentication');
  }
  if (!covers(leaf, hostname)) {
    return fault('wrong_name', `it is for ${(leaf.subjectAltName ?? 'no name').slice(0, 200)}, not for ${hostname}`);
  }
  return undefined;
}

/** After name and key: whoever brought the wrong file is told so, whatever else is wrong with it. */
function judgeRole(leaf: X509Certificate): Rejection | undefined {
  if (!leaf.ca) return undefined;
  return fault('authority_certificate', 'the first certificate is a CA, not a server certificate');
}

/** RFC 9525 §6.3: subject alternative names only; a wildcard stands for exactly one whole label. */
function covers(leaf: X509Certificate, hostname: string): boolean {
  const options = { subject: 'never', partialWildcards: false, multiLabelWildcards: false } as const;
  if (!isWildcard(hostname)) return leaf.checkHost(hostname, options) !== undefined;
  // A wildcard covers names that nobody listed: an arbitrary label must match by the wildcard itself.
  return leaf.checkHost(`any-label${hostname.slice(1)}`, options)?.toLowerCase() === hostname;
}

function judgeKey(leaf: X509Certificate, key: KeyObject): Rejection | undefined {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa') {
    if (!modulusLength || modulusLength < RSA_BITS_MIN || modulusLength > RSA_BITS_MAX) {
      return fault('weak_key', `an RSA key of ${modulusLength} bits, ${RSA_BITS_MIN} to ${RSA_BITS_MAX} expected`);
    }
  } else if (key.asymmetricKeyType !== 'ec' || !CURVES.includes(namedCurve ?? '')) {
    return fault(
      'weak_key',
      `a key of type ${namedCurve ?? key.asymmetricKeyType}, RSA or P-256, P-384, P-521 expected`,
    );
  }
  if (!leaf.checkPrivateKey(key)) return fault('key_mismatch', 'the key does not belong to the certificate');
  return undefined;
}

function judgeTimes(certificates: readonly X509Certificate[], now: number): Rejection | undefined {
  for (const certificate of certificates) {
    const notBefore = certificate.validFromDate.getTime();
    const notAfter = certificate.validToDate.getTime();
    if (!(notBefore <= now + CLOCK_SKEW_MS))
      return fault('not_yet_valid', `valid from ${iso(notBefore)}, now is ${iso(now)}`);
    if (!(now < notAfter)) return fault('expired', `valid until ${iso(notAfter)}, now is ${iso(now)}`);
  }
  return undefined;
}

function judgeIssuers(leaf: X509Certificate, issuers: readonly X509Certificate[]): Rejection | undefined {
  let subject = leaf;
  for (const [index, issuer] of issuers.entries()) {
    if (!issuer.ca || !subject.checkIssued(issuer) || !subject.verify(issuer.publicKey)) {
      return fault('broken_chain', `certificate ${index + 1} is not signed by certificate ${index + 2}`);
    }
    subject = issuer;
  }
  return undefined;
}

type Rejection = Extract<Judgement, { ok: false }>;

function fault(code: CertificateFault, detail: string): Rejection {
  return { ok: false, code, detail };
}

function iso(ms: number): string {
  return Number.isFinite(ms) ? new Date(ms).toISOString() : 'an unreadable date';
}
