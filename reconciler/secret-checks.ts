// What each kind of secret must be, before it is sealed to a pool. Law: what passes is the one text that is sealed, and a reason repeats
// nothing of what was read.
import { rootCertificates } from 'node:tls';
import { sha256Hex } from '../bundle/canonical.ts';
import { createTrust } from './core/certificate-trust.ts';
import { checkUsers } from './core/htpasswd.ts';
import { type CheckedOwnCertificate, checkOwnCertificate } from './core/own-certificate.ts';

/** Under this name a checked text stands in what its digest is made of. */
export type SecretKind = 'users' | 'certificate';
export type CheckedSecret =
  | { ok: true; text: string; warnings?: readonly string[] }
  /** To follow "…: ". */
  | { ok: false; reason: string };

/** A certificate is asked for by the hostname that it must be for. */
export function kindOf({ hostname }: { hostname?: string | undefined }): SecretKind {
  return hostname === undefined ? 'users' : 'certificate';
}

export interface SecretChecks {
  check(secret: { hostname?: string | undefined }, text: string, nowMs: number): CheckedSecret;
}

/** Judged certificates that are remembered; beyond it the memory starts anew. */
const REMEMBERED_MAX = 2_000;

/** Certificates cost a millisecond each, and files are read at every run: what was judged is judged again when time changes the answer. */
export function createSecretChecks(): SecretChecks {
  const trust = createTrust(rootCertificates);
  const remembered = new Map<string, { fromMs: number; checked: CheckedOwnCertificate }>();
  return {
    check({ hostname }, text, nowMs) {
      if (hostname === undefined) return checkUsers(text);
      const key = `${hostname}\n${sha256Hex(text)}`;
      const before = remembered.get(key);
      if (before && before.fromMs <= nowMs && nowMs < (before.checked.untilMs ?? Number.POSITIVE_INFINITY))
        return before.checked;
      const checked = checkOwnCertificate(text, { hostname, nowMs, trust });
      if (remembered.size >= REMEMBERED_MAX) remembered.clear();
      remembered.set(key, { fromMs: nowMs, checked });
      return checked;
    },
  };
}
