// Takes the answers of the control plane apart. Law: only members that are known and have the right shape come through; what is inside
// signed texts is judged where signatures are, and of what an edge signed nothing is dropped that its signature covers.
import { SEQUENCE_MAX } from '../../bundle/announcement.ts';
import {
  type BundleResponse,
  type ChallengeAnswer,
  type LeaseAnswer,
  type PoolIdentity,
  type RelayResponse,
  type RotationAnswer,
  type SealedCertificate,
  type StatusAnswer,
  WAITING_FOR_MAX,
} from '../../bundle/api.ts';

const TEXT_CHARACTERS_MAX = 300;
const ENTRIES_MAX = 4096;
const CERTIFICATES_MAX = 100_000;
/** Of a signed item; ours have 9 at most. */
const SIGNED_MEMBERS_MAX = 32;
/** A longer pause is never asked for. */
export const RETRY_AFTER_MS_MAX = 5 * 60_000;

/** Each answers undefined for a value of another shape. */
export function asBundle(value: unknown): BundleResponse | undefined {
  if (!isObject(value) || typeof value.node !== 'string') return undefined;
  const { node, files, chunks } = value;
  return isTexts(files) && isTexts(chunks) ? { node, files, chunks } : undefined;
}

export function asStatusAnswer(value: unknown): StatusAnswer | undefined {
  if (!isObject(value) || typeof value.bound !== 'boolean') return undefined;
  const { bound, reason, newest } = value;
  const rotation = asRotation(value.rotation);
  return {
    bound,
    ...(typeof reason === 'string' && { reason: oneLine(reason) }),
    ...(isCount(newest) && newest < SEQUENCE_MAX && { newest }),
    ...(rotation && { rotation }),
  };
}

function asRotation(value: unknown): RotationAnswer | undefined {
  if (!isObject(value) || typeof value.publicKey !== 'string') return undefined;
  const { publicKey, kind, reason } = value;
  if (kind === 'go') return { publicKey, kind };
  if (kind === 'refused') return { publicKey, kind, reason: typeof reason === 'string' ? oneLine(reason) : '' };
  if (kind !== 'wait' || !Array.isArray(value.for)) return undefined;
  const names = value.for.filter((name) => typeof name === 'string' && /^[a-z0-9-]{1,63}$/.test(name)) as string[];
  return { publicKey, kind, for: names.slice(0, WAITING_FOR_MAX) };
}

export function asRelay(value: unknown): RelayResponse | undefined {
  if (!isObject(value) || !isCount(value.sequence) || !Array.isArray(value.certificates)) return undefined;
  if (value.certificates.length > CERTIFICATES_MAX) return undefined;
  const certificates = value.certificates.map(asCertificate).filter((certificate) => certificate !== undefined);
  if (certificates.length !== value.certificates.length) return undefined;
  if (value.identity === undefined) return { sequence: value.sequence, certificates };
  const identity = asIdentity(value.identity);
  return identity && { sequence: value.sequence, certificates, identity };
}

export function asLease(value: unknown): LeaseAnswer | undefined {
  if (!isObject(value)) return undefined;
  const { granted, expiresAt, reason, retryAfterMs } = value;
  if (granted === true && typeof expiresAt === 'string' && isTime(expiresAt)) return { granted, expiresAt };
  if (granted !== false || typeof reason !== 'string' || !isCount(retryAfterMs)) return undefined;
  return { granted, reason: oneLine(reason), retryAfterMs: Math.min(retryAfterMs, RETRY_AFTER_MS_MAX) };
}

export function asChallengeAnswer(value: unknown): ChallengeAnswer | undefined {
  if (!isObject(value)) return undefined;
  const { outcome, reason, retryAfterMs } = value;
  if (outcome === 'ready') return { outcome };
  if (typeof reason !== 'string') return undefined;
  if (outcome === 'refused') return { outcome, reason: oneLine(reason) };
  if (outcome !== 'wait' || !isCount(retryAfterMs)) return undefined;
  return { outcome, reason: oneLine(reason), retryAfterMs: Math.min(retryAfterMs, RETRY_AFTER_MS_MAX) };
}

/** The message of an ApiError, or nothing. */
export function asErrorMessage(value: unknown): string {
  return isObject(value) && typeof value.message === 'string' ? oneLine(value.message) : '';
}

function asIdentity(value: unknown): PoolIdentity | undefined {
  if (!isObject(value)) return undefined;
  const { pool, epoch, recipient, wraps, escrow, withheld, by, signature } = value;
  if (!isCount(epoch) || !isTexts(wraps) || !isTexts({ pool, recipient, by, signature })) return undefined;
  if (escrow !== undefined && !(isTexts(escrow) && 'recipient' in escrow && 'wrap' in escrow)) return undefined;
  if (withheld !== undefined && !isTextList(withheld)) return undefined;
  return signedMembers(value) as unknown as PoolIdentity;
}

function asCertificate(value: unknown): SealedCertificate | undefined {
  if (!isObject(value)) return undefined;
  const { hostname, recipient, sealed, notBefore, notAfter, by, signature } = value;
  if (!isTexts({ hostname, recipient, sealed, notBefore, notAfter, by, signature })) return undefined;
  return signedMembers(value) as unknown as SealedCertificate;
}

/**
 * Also those that this version does not know: without them nothing that an edge with a newer one signed would verify. One of a shape that no
 * member has is left out, so that the signature fails for that item alone.
 */
function signedMembers(item: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(item).slice(0, SIGNED_MEMBERS_MAX);
  return Object.fromEntries(entries.filter(([name, value]) => name !== '__proto__' && isPlain(value)));
}

function isPlain(value: unknown): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || Number.isSafeInteger(value)) return true;
  return isTextList(value) || isTexts(value);
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.length <= ENTRIES_MAX && value.every((text) => typeof text === 'string');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object whose members are all texts; `__proto__` is none of our names. */
function isTexts(value: unknown): value is Record<string, string> {
  if (!isObject(value)) return false;
  const entries = Object.entries(value);
  if (entries.length > ENTRIES_MAX) return false;
  return entries.every(([name, text]) => name !== '__proto__' && typeof text === 'string');
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTime(text: string): boolean {
  return text.length <= 40 && !Number.isNaN(Date.parse(text));
}

function oneLine(text: string): string {
  return text
    .slice(0, TEXT_CHARACTERS_MAX)
    .replace(/[^\x21-\x7e]+/g, ' ')
    .trim();
}
