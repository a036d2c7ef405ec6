// The fingerprint of what a node announced: the same on the node that made the keys and on the reconciler that shows them, so that
// a person can compare the two.
import type { Enrolment } from './api.ts';
import { canonicalJson, sha256Hex } from './canonical.ts';

/** The keys of an announcement; everything else in it may change without a new binding. */
export type AnnouncedKeys = Pick<Enrolment, 'wireguardPublicKey' | 'signingKey' | 'recipient'>;

/** sha256 over the canonical JSON of the keys, in 16 groups of four lower-case hex digits. */
export function keyFingerprint({ wireguardPublicKey, signingKey, recipient }: AnnouncedKeys): string {
  return inGroups(sha256Hex(canonicalJson({ wireguardPublicKey, signingKey, recipient })));
}

/** The same of what makes an edge a member of its pool: what is wrapped to it, and what it signs with. */
export function memberFingerprint({ recipient, signingKey }: { recipient: string; signingKey: string }): string {
  return inGroups(sha256Hex(canonicalJson({ recipient, signingKey })));
}

function inGroups(hex: string): string {
  return hex.match(/.{4}/g)!.join(' ');
}
