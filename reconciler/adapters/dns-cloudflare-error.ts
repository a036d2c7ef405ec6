// What Cloudflare's refusals mean. Law: only a few cleaned words of an answer get into an error, never a header, a body, a cause or the token.
import { KokoaError } from '../../bundle/error.ts';
import { ZoneThrottled } from './dns-throttled.ts';
import { oneLine } from './github-text.ts';

const REASON_CHARACTERS_MAX = 300;
const REASONS_MAX = 4;
/** A longer wait would be believed of nobody. */
const WAIT_MS_MAX = 3_600_000;
const WAIT_MS_MIN = 1_000;
/** "all API calls for the next five minutes will be blocked": developers.cloudflare.com/fundamentals/api/reference/limits */
const UNTOLD_WAIT_MS = 300_000;
/** Which come as 400 or 200 too: headers, tokens and authorisations that are no good. */
const CREDENTIAL_CODES = new Set([6003, 6103, 6111, 9106, 9107, 9109, 10000]);
const CREDENTIALS_HINT = 'The token needs Zone:Read and DNS:Edit for this zone, and nothing else. Is it expired?';

export interface Refusal {
  status: number;
  retryAfter: string | null;
  /** Of `errors` in the answer, or what stood in the place of an answer. */
  body: unknown;
  /** Whoever answers may repeat what was sent. */
  token: string;
  nowMs: number;
}

/** An answer that says no. */
export function refusalError({ status, retryAfter, body, token, nowMs }: Refusal): KokoaError {
  const { codes, reason } = saidBy(body, token);
  if (status === 429)
    return new ZoneThrottled('Cloudflare', `Cloudflare answered 429: ${reason}`, waitMs(retryAfter, nowMs));
  if (status === 401 || status === 403 || codes.some((code) => CREDENTIAL_CODES.has(code)))
    return new KokoaError('dns_credentials', `Cloudflare does not accept the token for this: ${reason}`, {
      hint: CREDENTIALS_HINT,
    });
  if (status >= 500 || status === 408 || (status >= 300 && status < 400))
    return new KokoaError('dns_unreachable', `Cloudflare answered ${status}: ${reason}`);
  return new KokoaError('dns_refused', `Cloudflare refused: ${reason}`);
}

/** The token is fine, and sees no such zone. */
export function zoneError(zone: string, seen: number): KokoaError {
  const found = seen === 0 ? 'no zone' : `${seen} zones`;
  return new KokoaError('dns_credentials', `the token sees ${found} ${zone} at Cloudflare, expected one`, {
    hint: CREDENTIALS_HINT,
  });
}

function waitMs(retryAfter: string | null, nowMs: number): number {
  const told = retryAfter?.trim() ?? '';
  const ms = /^\d{1,9}$/.test(told) ? Number(told) * 1000 : Date.parse(told) - nowMs;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, WAIT_MS_MIN), WAIT_MS_MAX) : UNTOLD_WAIT_MS;
}

/** `{errors: [{code, message, error_chain: [{code, message}]}]}` */
function saidBy(body: unknown, token: string): { codes: readonly number[]; reason: string } {
  const outer = partsOf(body, 'errors');
  const all = [...outer, ...outer.flatMap((error) => partsOf(error, 'error_chain'))].slice(0, REASONS_MAX);
  const codes = all.map(({ code }) => code).filter((code) => typeof code === 'number');
  const text = all
    .filter(({ message }) => typeof message === 'string')
    .map(({ code, message }) => `${message}${typeof code === 'number' ? ` (${code})` : ''}`)
    .join('; ');
  return { codes, reason: oneLine(text.replaceAll(token, '[hidden]'), REASON_CHARACTERS_MAX) || 'no reason given' };
}

function partsOf(found: unknown, key: string): readonly { code?: unknown; message?: unknown }[] {
  const list = typeof found === 'object' && found !== null ? (found as Record<string, unknown>)[key] : undefined;
  if (!Array.isArray(list)) return [];
  return list.slice(0, REASONS_MAX).filter((part) => typeof part === 'object' && part !== null);
}
