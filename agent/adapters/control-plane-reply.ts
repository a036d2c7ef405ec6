// What a reply of the reconciler over HTTP means. Law: whatever is there instead of an answer is a value, bounded, and holds no token.
import type { CertificateDates } from '../core/clock-doubt.ts';
import type { Unavailable } from '../ports/control-plane.ts';
import { asErrorMessage, RETRY_AFTER_MS_MAX } from './control-plane-answers.ts';
import type { Reply } from './http-exchange.ts';

export const JSON_MEDIA_TYPE = 'application/json';
const RETRY_MS = 5_000;

/** `value` is parsed JSON of the type that was asked for; undefined when there was no content. */
export type Answer = { kind: 'answer'; value: unknown; etag: string } | { kind: 'unchanged' } | Unavailable;

/** `host`: who was asked. `accept`: what was asked for. `token`: what was sent along, if one was. */
export function judgeReply(reply: Reply, host: string, accept: string, token?: string): Answer {
  if (reply.kind === 'failed') return failed(reply.reason, host);
  const { status, headers, body } = reply;
  if (status === 304) return { kind: 'unchanged' };
  if (status === 204) return { kind: 'answer', value: undefined, etag: '' };
  const type = (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
  const wanted = status === 200 ? accept : JSON_MEDIA_TYPE;
  const value = type === wanted ? parseJson(body, wanted === JSON_MEDIA_TYPE ? token : undefined) : undefined;
  if (status === 200) {
    if (value === undefined) {
      const found = type === wanted ? 'what is no JSON' : plain(type) || 'something else';
      return unreachable(`${host}: expected ${wanted}, found ${found}`);
    }
    return { kind: 'answer', value, etag: etagOf(headers.etag) };
  }
  const words = asErrorMessage(value);
  const message = `${host}: status ${status}${words && `, ${words}`}`;
  if (status === 401) return { kind: 'unauthorized', message };
  if (status === 403) return { kind: 'suspended', message };
  return unreachable(message, retryAfterMs(headers['retry-after']));
}

export function unreachable(message: string, retry = RETRY_MS): Unavailable & { kind: 'unreachable' } {
  return { kind: 'unreachable', message, retryAfterMs: retry };
}

/** The server's own time in ms since the epoch, if it says one. */
export function serverMs(reply: Reply): number | undefined {
  return reply.kind === 'reply' ? dateMs(reply.headers.date) : undefined;
}

/** What OpenSSL says of a certificate that is good at another time, by Node's names. */
const DATES: Readonly<Record<string, CertificateDates>> = {
  CERT_HAS_EXPIRED: 'has ended',
  CERT_NOT_YET_VALID: 'is not valid yet',
};

function failed(reason: string, host: string): Answer {
  const certificate = DATES[reason];
  return { ...unreachable(`${host}: ${reason}`), ...(certificate && { certificate }) };
}

/** The one form that is sent (RFC 9110, section 5.6.7). */
function dateMs(header: string | undefined): number | undefined {
  const ms = /^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT$/.test(header ?? '')
    ? Date.parse(header!)
    : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

/** Seconds or a date (RFC 9110, section 10.2.3), bounded. */
function retryAfterMs(header: string | undefined): number {
  if (header === undefined) return RETRY_MS;
  const ms = /^[0-9]{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? RETRY_MS : Math.min(Math.max(ms, 0), RETRY_AFTER_MS_MAX);
}

/**
 * Undefined for what is no JSON; the JSON `null` has no use here either. A server may echo the `secret`: it is looked for in the words as
 * they are read, because in the text each letter of it may be written in several ways (RFC 8259, section 7).
 */
function parseJson(body: Buffer, secret: string | undefined): unknown {
  const withoutSecret = (_: string, value: unknown) =>
    typeof value === 'string' ? value.replaceAll(secret!, '[token]') : value;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    return JSON.parse(text, secret === undefined ? undefined : withoutSecret) ?? undefined;
  } catch {
    return undefined;
  }
}

function etagOf(header: string | undefined): string {
  return header !== undefined && /^(W\/)?"[\x21\x23-\x7e]{0,200}"$/.test(header) ? header : '';
}

function plain(text: string): string {
  return text.replace(/[^a-z0-9/+.-]/g, '').slice(0, 60);
}
