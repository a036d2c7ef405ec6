// What a CA says about renewing one certificate (RFC 9773), and what an edge makes of it. Law: a suggestion only brings a renewal forward, and
// never so that one follows upon another: a share of the life passes first.
import { sha256Hex } from '../../bundle/canonical.ts';
import { type Element, elementsOf } from './der.ts';

export const RENEWAL_INFO_BYTES_MAX = 8 * 1024;
/** Of Retry-After (§4.3.2), and what counts when there is none. */
export const ASK_AGAIN_MS_MIN = 60_000;
export const ASK_AGAIN_MS_MAX = 86_400_000;
export const ASK_AGAIN_MS = 6 * 3_600_000;
/** Of its life: a certificate that is younger is not renewed, whatever is suggested. Three days of ninety. */
const AGE_SHARE_MIN = 1 / 30;
const TIME_CHARACTERS_MAX = 40;
const EXPLANATION = /^https:\/\/[!-~]{1,200}$/;
/** id-ce-authorityKeyIdentifier, RFC 5280 §4.2.1.1: 2.5.29.35. */
const AUTHORITY_KEY_IDENTIFIER = '551d23';
/** Twelve hex digits are exact as a number. */
const FRACTION_DIGITS = 12;

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const OCTET_STRING = 0x04;
/** `[3]` of TBSCertificate, `[0]` of AuthorityKeyIdentifier. */
const EXTENSIONS = 0xa3;
const VERSION = 0xa0;
const KEY_IDENTIFIER = 0x80;

/** ms since the epoch. */
export interface SuggestedWindow {
  readonly startMs: number;
  readonly endMs: number;
  /** An https URL of printable characters. */
  readonly explanation?: string;
}

/** §4.1: of the DER of a certificate. Undefined: it is not in form, or names no key of its issuer. */
export function certificateId(der: Uint8Array): string | undefined {
  const [certificate, ...more] = elementsOf(der) ?? [];
  if (more.length > 0) return undefined;
  const [tbs] = inside(certificate, SEQUENCE);
  const fields = inside(tbs, SEQUENCE);
  const serial = fields[fields[0]?.tag === VERSION ? 1 : 0];
  const keyIdentifier = keyIdentifierOf(fields.find(({ tag }) => tag === EXTENSIONS));
  if (serial?.tag !== INTEGER || serial.content.length === 0 || !keyIdentifier?.content.length) return undefined;
  return [keyIdentifier, serial].map(({ content }) => Buffer.from(content).toString('base64url')).join('.');
}

function keyIdentifierOf(extensions: Element | undefined): Element | undefined {
  const [list] = inside(extensions, EXTENSIONS);
  for (const extension of inside(list, SEQUENCE)) {
    const parts = inside(extension, SEQUENCE);
    if (!parts[0] || Buffer.from(parts[0].content).toString('hex') !== AUTHORITY_KEY_IDENTIFIER) continue;
    const [value] = inside(parts.at(-1), OCTET_STRING);
    return inside(value, SEQUENCE).find(({ tag }) => tag === KEY_IDENTIFIER);
  }
  return undefined;
}

function inside(element: Element | undefined, tag: number): Element[] {
  return element?.tag === tag ? (elementsOf(element.content) ?? []) : [];
}

/** §4.2. Undefined: it is none, and that counts as if nothing had been suggested. */
export function readWindow(body: string): SuggestedWindow | undefined {
  const { suggestedWindow, explanationURL } = objectOf(parsed(body));
  const { start, end } = objectOf(suggestedWindow);
  const [startMs, endMs] = [timeOf(start), timeOf(end)];
  if (!(startMs <= endMs)) return undefined;
  const isShown = typeof explanationURL === 'string' && EXPLANATION.test(explanationURL);
  return { startMs, endMs, ...(isShown && { explanation: explanationURL }) };
}

/**
 * ms since the epoch: when to renew by this suggestion, evenly spread over the window by the name and the certificate (§4.2), and the same after a
 * restart. What is younger than a thirtieth of its life waits for that.
 */
export function suggestedMs(
  { startMs, endMs }: SuggestedWindow,
  {
    name,
    notBefore,
    notAfter,
    fingerprint256,
  }: { name: string; notBefore: number; notAfter: number; fingerprint256: string },
): number {
  const fraction =
    Number.parseInt(sha256Hex(`${name}\n${fingerprint256}`).slice(0, FRACTION_DIGITS), 16) / 16 ** FRACTION_DIGITS;
  const chosenMs = startMs + (endMs - startMs) * fraction;
  return Math.max(chosenMs, notBefore + (notAfter - notBefore) * AGE_SHARE_MIN);
}

/** How long to wait before the same is asked again. `retryAfter`: seconds or a date, as the header says. */
export function askAgainMs(retryAfter: string | undefined, now: number): number {
  const text = retryAfter?.trim() ?? '';
  const ms = /^[0-9]{1,12}$/.test(text)
    ? Number(text) * 1000
    : text.endsWith(' GMT')
      ? Date.parse(text) - now
      : Number.NaN;
  return Number.isFinite(ms) ? Math.min(ASK_AGAIN_MS_MAX, Math.max(ASK_AGAIN_MS_MIN, ms)) : ASK_AGAIN_MS;
}

function timeOf(text: unknown): number {
  return typeof text === 'string' && text.length <= TIME_CHARACTERS_MAX && /^\d{4}-\d\d-\d\dT/.test(text)
    ? Date.parse(text)
    : Number.NaN;
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
