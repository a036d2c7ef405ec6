// What GitHub's refusals mean. Law: only the method, the path, the status and a cleaned line of GitHub's text get into an error: no header,
// no body, no query, no cause.
import { ForgeError, type ForgeErrorCode } from '../ports/forge.ts';
import { oneLine } from './github-text.ts';

/** An answer, or what stood in its place. */
export interface Refusal {
  /** Such as `POST /repos/a/b/check-runs`. */
  request: string;
  status: number;
  headers: Readonly<Record<string, unknown>>;
  /** GitHub's own words. */
  text: string;
}

const TEXT_CHARACTERS_MAX = 300;
/** "wait for at least one minute": https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api */
const UNTOLD_WAIT_MS = 60_000;
/** GitHub's own window; a longer wait would be believed of nobody. */
const WAIT_MS_MAX = 3_600_000;
const WAIT_MS_MIN = 1000;

const CODES: Readonly<Record<number, ForgeErrorCode>> = {
  401: 'forge_unauthorised',
  403: 'forge_forbidden',
  404: 'forge_not_found',
  410: 'forge_not_found',
  409: 'forge_conflict',
};

const HINTS: Partial<Record<ForgeErrorCode, string>> = {
  forge_unauthorised: 'The token or the private key is not accepted: it expired, or was revoked.',
  forge_forbidden: 'The token, or the App in this repository, lacks a permission.',
  forge_not_found: 'GitHub answers so too when the token, or the App, was not given this repository.',
};

export function refusalError({ request, status, headers, text }: Refusal, nowMs: number): ForgeError {
  const message = `${request} answered ${status}: ${oneLine(text, TEXT_CHARACTERS_MAX)}`;
  const waitMs = limitOf({ status, headers, text }, nowMs);
  if (waitMs !== undefined) return new ForgeError('forge_limited', message, { waitMs });
  if (status >= 300 && status < 400)
    return new ForgeError('forge_not_found', message, {
      hint: 'The repository was renamed or moved: give its new name.',
    });
  const code = CODES[status] ?? (status < 500 ? 'forge_invalid' : 'forge_down');
  const hint = HINTS[code];
  return new ForgeError(code, message, hint === undefined ? {} : { hint });
}

/** Milliseconds to wait, when it is a limit that refused. Both kinds come as 403 and as 429. */
function limitOf({ status, headers, text }: Omit<Refusal, 'request'>, nowMs: number): number | undefined {
  const spent = headers['x-ratelimit-remaining'] === '0';
  const isLimit =
    status === 429 || (status === 403 && (spent || 'retry-after' in headers || /rate limit|abuse/i.test(text)));
  if (!isLimit) return undefined;
  const told = secondsOf(headers['retry-after']);
  const reset = spent ? secondsOf(headers['x-ratelimit-reset']) : undefined;
  const waitMs = told !== undefined ? told * 1000 : reset !== undefined ? reset * 1000 - nowMs : UNTOLD_WAIT_MS;
  return Math.min(Math.max(waitMs, WAIT_MS_MIN), WAIT_MS_MAX);
}

function secondsOf(value: unknown): number | undefined {
  return typeof value === 'string' && /^\d{1,12}$/.test(value) ? Number(value) : undefined;
}
