// Judges the certificate and key that a person brings for a route. Law: what passes is served by every edge of the pool as it is, so what
// visitors would be turned away by does not pass; and no word about it repeats any of the key.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { type CertificateFault, CLOCK_SKEW_MS, judgeCertificate } from '../../bundle/certificate.ts';
import { OWN_CERTIFICATE_BYTES_MAX } from '../../bundle/limits.ts';
import { issuerName, providerOnlyIssuer, type Trust } from './certificate-trust.ts';
import { pemParts } from './pem-parts.ts';

/** As an operator keeps it, with whatever stands around the PEM blocks. */
export const OWN_CERTIFICATE_FILE_BYTES_MAX = 64 * 1024;
/** A certificate that ends sooner is warned about; of a short-lived one, the last third of its life. */
export const ENDS_SOON_MS = 30 * 86_400_000;

export interface OwnCertificateSubject {
  /** Canonical; may be `*.name`. */
  hostname: string;
  nowMs: number;
  trust: Trust;
}

export type CheckedOwnCertificate = (
  | { ok: true /** JSON `{fullchain, key}`, the same for every hostname. */; text: string; warnings: string[] }
  | { ok: false; reason: string }
) & {
  /** ms: from then on the answer may be another one; absent: time does not matter. */
  untilMs?: number;
};

/** What to do about it. A fault that is not here says it itself. */
const TODO: Partial<Record<CertificateFault, string>> = {
  expired: 'put a new one there',
  not_yet_valid: 'put one there that is valid already, or wait',
  wrong_name: 'put one there whose subject alternative names include it',
  key_mismatch: 'put the key there that the certificate was requested with',
  broken_chain: 'put the certificate first, then the issuer of each before it, without others',
  authority_certificate: 'put a certificate there that is for servers: with openssl, basicConstraints=CA:FALSE',
};

/** Blocks may stand in any order. */
export function checkOwnCertificate(text: string, subject: OwnCertificateSubject): CheckedOwnCertificate {
  if (Buffer.byteLength(text) > OWN_CERTIFICATE_FILE_BYTES_MAX)
    return no(`found more than ${OWN_CERTIFICATE_FILE_BYTES_MAX} bytes`);
  const parts = pemParts(text);
  if (!parts.ok) return parts;
  const { certificates, keys } = parts;
  if (certificates.length === 0) return no('found no certificate, expected PEM: the chain, and its private key');
  if (keys.length !== 1)
    return no(`found ${keys.length} private keys beside the certificate, expected one, in the same text`);
  const chain = inOrder(certificates, keys[0]!);
  const { hostname, nowMs } = subject;
  const judged = judgeCertificate({ fullchain: chain.join(''), key: keys[0]!, hostname, now: nowMs });
  const read = readAll(chain);
  const untilMs = nextChange(read, nowMs);
  const until = untilMs === undefined ? {} : { untilMs };
  if (!judged.ok) {
    // The same words at every run, or each would be another problem.
    const detail = judged.detail.replace(/, now is .*/, '');
    const todo = TODO[judged.code];
    return { ...no(todo === undefined ? detail : `${detail}: ${todo}`), ...until };
  }
  return { ...judgePassed(judged, read, subject), ...until };
}

/** It would work in a web server: would it with visitors, and with edges? */
function judgePassed(
  { fullchain, key }: { fullchain: string; key: string },
  chain: readonly X509Certificate[],
  { nowMs, trust }: OwnCertificateSubject,
): { ok: true; text: string; warnings: string[] } | { ok: false; reason: string } {
  const isPublic = trust.isPublic(chain);
  const provider = isPublic ? undefined : providerOnlyIssuer(chain);
  if (provider !== undefined)
    return no(
      `its issuer, ${provider}, is trusted by the proxies of its provider alone, and browsers refuse it: delete tls.certificate, and the edges order one, or put one there of an authority that browsers know`,
    );
  const text = JSON.stringify({ fullchain, key });
  if (Buffer.byteLength(text) > OWN_CERTIFICATE_BYTES_MAX)
    return no(
      `chain and key have ${Buffer.byteLength(text)} bytes, expected at most ${OWN_CERTIFICATE_BYTES_MAX}: leave certificates out that visitors do not need, such as the root`,
    );
  const warnings: string[] = [];
  if (!isPublic)
    warnings.push(
      `no authority that browsers know signed it (issuer: ${issuerName(chain.at(-1)!)}), so visitors who were not told to trust it are warned: add its intermediate certificate if one is missing`,
    );
  const endsMs = chain[0]!.validToDate.getTime();
  if (nowMs >= soonMs(chain[0]!))
    warnings.push(
      `it ends on ${new Date(endsMs).toISOString().slice(0, 10)}, and nobody renews it: put a new one there`,
    );
  return { ok: true, text, warnings };
}

/** The one that the key belongs to, then the issuer of each; as it stands where that leaves one over, and the judge says what is wrong. */
function inOrder(certificates: readonly string[], keyPem: string): readonly string[] {
  try {
    const key = createPrivateKey(keyPem);
    const left = certificates.map((pem) => ({ pem, certificate: new X509Certificate(pem) }));
    const ordered: typeof left = [];
    let next = left.findIndex(({ certificate }) => certificate.checkPrivateKey(key));
    while (next >= 0) {
      const [one] = left.splice(next, 1);
      ordered.push(one!);
      next = left.findIndex(({ certificate }) => one!.certificate.checkIssued(certificate));
    }
    return left.length === 0 ? ordered.map(({ pem }) => pem) : certificates;
  } catch {
    return certificates;
  }
}

function readAll(chain: readonly string[]): X509Certificate[] {
  try {
    return chain.map((pem) => new X509Certificate(pem));
  } catch {
    return [];
  }
}

function nextChange(chain: readonly X509Certificate[], nowMs: number): number | undefined {
  const moments = chain.flatMap((one) => [one.validFromDate.getTime() - CLOCK_SKEW_MS, one.validToDate.getTime()]);
  if (chain[0] !== undefined) moments.push(soonMs(chain[0]));
  const later = moments.filter((moment) => moment > nowMs);
  return later.length === 0 ? undefined : Math.min(...later);
}

function soonMs({ validFromDate, validToDate }: X509Certificate): number {
  const endsMs = validToDate.getTime();
  return endsMs - Math.min(ENDS_SOON_MS, (endsMs - validFromDate.getTime()) / 3);
}

function no(reason: string): { ok: false; reason: string } {
  return { ok: false, reason };
}
