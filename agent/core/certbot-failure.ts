// What certbot's output means: a code, one bounded line for people, and what to do. Its exit code says nothing that counts.
import { type CertbotCause, certbotCause } from './certbot-cause.ts';

export interface CertbotFailure {
  /**
   * `acme_validation_failed`: the CA could not, or may not, issue for this name; nothing is wrong between it and us. `acme_unavailable`: it
   * does not answer, or says that it cannot now. `acme_account_unknown`: its last answer said so, as RFC 8555 §6.7 words it.
   * `acme_order_failed`: anything else.
   */
  code: CertbotCause['code'];
  detail: string;
  hint: string;
  /** As the CA asked, when it limits or cannot now and named a time. */
  retryAfterMs?: number;
}

const DETAIL_CHARACTERS_MAX = 600;
const RETRY_AFTER_MS_MAX = 7 * 86_400_000;

/** Lines that say nothing, or that advise something wrong for us (no challenge file is ever read). */
const NOISE = [
  /^Saving debug log to/,
  /^Ask for help or search/,
  /^See the logfile/,
  /^Hint: The Certificate Authority failed to/,
  /^Requesting a certificate/,
  /^Registering without email/,
  /^Some challenges have failed/,
  /^Exiting due to/,
];

/** certbot 2.1 shows an order that became invalid without the CA's reason. */
const WORDLESS = /IssuanceError$/;
/** The first line of what certbot logs next. */
const LOG_LINE = /^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:,]{8,12}:[A-Z]+:/m;
/** A member of a problem document (RFC 7807), as the debug log shows it. */
const CA_WORDS = /"detail": ?"((?:[^"\\\n]|\\.){1,300})"/g;

/**
 * @param output what certbot printed (tail)
 * @param log certbot's debug log (tail); codes and times are taken from it, and the CA's reason when certbot names none
 * @param now ms since the epoch, for a Retry-After that is a date
 * @param name canonical, of the certificate that was ordered; none: an account was registered
 */
export function explainCertbot(output: string, log: string, now: number, name = ''): CertbotFailure {
  const refusals = refusalsIn(log);
  const cause = certbotCause({ output, refusal: refusals.at(-1) ?? '', log }, name);
  const detail = detailOf(output, log);
  const code = cause?.code ?? 'acme_order_failed';
  const mayAsk = code === 'acme_rate_limited' || code === 'acme_unavailable';
  const retryAfterMs = mayAsk ? retryAfter(refusals, now) : undefined;
  return {
    code,
    detail: retryAfterMs === undefined ? detail : `${detail} (the CA asks to wait ${Math.ceil(retryAfterMs / 1000)} s)`,
    hint: cause?.hint ?? 'read the detail; certbot gave no known cause',
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

function detailOf(output: string, log: string): string {
  const said = readable(output);
  if (said !== '' && !WORDLESS.test(said)) return said;
  const words = readable([...log.matchAll(CA_WORDS)].at(-1)?.[1] ?? '');
  return [said, words].filter(Boolean).join(': ') || 'certbot ended without a certificate and said nothing';
}

function readable(output: string): string {
  return output
    .split(/\r?\n/)
    .map((line) => line.replace(/[^\x20-\x7e]+/g, ' ').trim())
    .filter((line) => line !== '' && !NOISE.some((noise) => noise.test(line)))
    .join(' | ')
    .slice(0, DETAIL_CHARACTERS_MAX);
}

/** The answers of the CA in the debug log that were refusals: the status, the headers, an empty line, the body, and nothing behind it. */
function refusalsIn(log: string): string[] {
  const answers = log.split(/^(?=HTTP [0-9]{3}$)/m).filter((answer) => /^HTTP [45]/.test(answer));
  return answers.map((answer) => answer.split(LOG_LINE, 1)[0]!);
}

/**
 * Retry-After (RFC 9110 §10.2.3) of the last answer that limits (429) or cannot now (503), in ms from now. A date counts from the Date of
 * the same answer, so that a clock which is wrong here changes nothing.
 */
function retryAfter(refusals: readonly string[], now: number): number | undefined {
  const answer = refusals.findLast((text) => /^HTTP (?:429|503)$/m.test(text));
  const head = answer?.split(/\n\r?\n/, 1)[0];
  const asked = head === undefined ? undefined : headerOf(head, 'Retry-After');
  if (head === undefined || asked === undefined) return undefined;
  const ms = /^[0-9]{1,12}$/.test(asked)
    ? Number(asked) * 1000
    : dateOf(asked) - finiteOr(dateOf(headerOf(head, 'Date')), now);
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), RETRY_AFTER_MS_MAX) : undefined;
}

function headerOf(head: string, name: string): string | undefined {
  return new RegExp(`^${name}: ([ -~]{1,40}?)\\s*$`, 'im').exec(head)?.[1];
}

/** IMF-fixdate (RFC 9110 §5.6.7). ms since the epoch; NaN: it is none. */
function dateOf(text: string | undefined): number {
  return text?.endsWith(' GMT') ? Date.parse(text) : Number.NaN;
}

function finiteOr(ms: number, otherwise: number): number {
  return Number.isFinite(ms) ? ms : otherwise;
}
