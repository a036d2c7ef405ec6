// What certbot's output means: a code, one bounded line for people, and what to do. Its exit code says nothing that counts.

export interface CertbotFailure {
  /**
   * `acme_validation_failed`: the CA could not, or may not, issue for this name; nothing is wrong between it and us. `acme_unavailable`: it
   * does not answer, or says that it cannot now. `acme_order_failed`: anything else.
   */
  code:
    | 'acme_order_failed'
    | 'acme_validation_failed'
    | 'acme_rate_limited'
    | 'acme_unavailable'
    | 'acme_account_unknown';
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
/** A member of a problem document (RFC 7807), as the debug log shows it. */
const CA_WORDS = /"detail": ?"((?:[^"\\\n]|\\.){1,300})"/g;

const CAUSES: { pattern: RegExp; code: CertbotFailure['code']; hint: string }[] = [
  {
    pattern: /rateLimited|too many (?:certificates|requests|new orders|failed|currently)|(?:HTTP |Response \[)429/i,
    code: 'acme_rate_limited',
    hint: 'the CA limits orders; wait, and order fewer names',
  },
  {
    pattern: /accountDoesNotExist|Account (?:not found|is not valid|deactivated)|unable to find existing account/i,
    code: 'acme_account_unknown',
    hint: 'the CA does not know this account any more; another one is registered with the next try',
  },
  {
    pattern: /error:caa|CAA record/i,
    code: 'acme_validation_failed',
    hint: 'a CAA record of the name forbids this CA; add it there',
  },
  {
    pattern: /error:rejectedIdentifier|will not issue certificates for the identifier/i,
    code: 'acme_validation_failed',
    hint: 'the CA does not issue for this name at all: use another CA, or import a certificate',
  },
  {
    pattern: /failed to authenticate|error:(?:connection|dns|unauthorized|incorrectResponse)|challenges have failed/i,
    code: 'acme_validation_failed',
    hint: 'the CA must reach port 80 of every edge of the pool under this name: check its A, AAAA or CNAME record and firewalls',
  },
  {
    pattern: /badNonce|JWS has an invalid anti-replay nonce/i,
    code: 'acme_order_failed',
    hint: 'the CA refused a nonce; it is tried again',
  },
  {
    pattern: /CERTIFICATE_VERIFY_FAILED|SSLError|invalid path: .*\.pem/i,
    code: 'acme_order_failed',
    hint: 'the certificate of the CA itself is not trusted here: check acme.server and the CA file',
  },
  {
    pattern: /JSONDecodeError|failed to parse fullchain/i,
    code: 'acme_unavailable',
    hint: 'the answer of the CA ended in the middle, or was none: it is asked again',
  },
  {
    pattern:
      /ConnectionError|NewConnectionError|Connection (?:refused|aborted|broken)|RemoteDisconnected|IncompleteRead|Name or service not known|name resolution|timed out|unreachable|serverInternal|(?:HTTP |Response \[)50[0-9]/i,
    code: 'acme_unavailable',
    hint: 'the CA does not answer, or says that it cannot now: check acme.server and the way out of this machine',
  },
];

/**
 * @param output what certbot printed (tail)
 * @param log certbot's debug log (tail); codes and times are taken from it, and the CA's reason when certbot names none
 * @param now ms since the epoch, for a Retry-After that is a date
 */
export function explainCertbot(output: string, log: string, now: number): CertbotFailure {
  const refusals = refusalsIn(log);
  // What was refused first may have been tried again with success; what was refused last is why it ended.
  const cause = [output, refusals.at(-1) ?? '', log]
    .map((text) => CAUSES.find(({ pattern }) => pattern.test(text)))
    .find((found) => found !== undefined);
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

/** The answers of the CA in the debug log that were refusals: the status, the headers, an empty line, the body. */
function refusalsIn(log: string): string[] {
  return log.split(/^(?=HTTP [0-9]{3}$)/m).filter((answer) => /^HTTP [45]/.test(answer));
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
