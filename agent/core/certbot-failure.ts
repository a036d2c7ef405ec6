// What certbot's output means: a code, one bounded line for people, and what to do. Its exit code says nothing that counts.

export interface CertbotFailure {
  code: 'acme_order_failed' | 'acme_rate_limited' | 'acme_account_unknown';
  detail: string;
  hint: string;
  /** As the CA asked, when it did. */
  retryAfterMs?: number;
}

const DETAIL_CHARACTERS_MAX = 600;
const RETRY_AFTER_SECONDS_MAX = 7 * 24 * 3600;

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

const CAUSES: { pattern: RegExp; code: CertbotFailure['code']; hint: string }[] = [
  {
    pattern: /rateLimited|too many (?:certificates|requests|new orders|failed|currently)|HTTP 429/i,
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
    code: 'acme_order_failed',
    hint: 'a CAA record of the name forbids this CA; add it there',
  },
  {
    pattern: /failed to authenticate|error:(?:connection|dns|unauthorized|incorrectResponse)|challenges have failed/i,
    code: 'acme_order_failed',
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
    pattern:
      /ConnectionError|NewConnectionError|Connection refused|Name or service not known|name resolution|timed out|unreachable|serverInternal|HTTP 50[0-9]/i,
    code: 'acme_order_failed',
    hint: 'the CA does not answer: check acme.server and the way out of this machine',
  },
];

/**
 * @param output what certbot printed (tail)
 * @param log certbot's debug log (tail); only codes and Retry-After are taken from it
 */
export function explainCertbot(output: string, log: string): CertbotFailure {
  const cause = CAUSES.find(({ pattern }) => pattern.test(output)) ?? CAUSES.find(({ pattern }) => pattern.test(log));
  const detail = readable(output) || 'certbot ended without a certificate and said nothing';
  const retryAfterMs = cause?.code === 'acme_rate_limited' ? retryAfter(log) : undefined;
  return {
    code: cause?.code ?? 'acme_order_failed',
    detail: retryAfterMs === undefined ? detail : `${detail} (the CA asks to wait ${retryAfterMs / 1000} s)`,
    hint: cause?.hint ?? 'read the detail; certbot gave no known cause',
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

function readable(output: string): string {
  return output
    .split(/\r?\n/)
    .map((line) => line.replace(/[^\x20-\x7e]+/g, ' ').trim())
    .filter((line) => line !== '' && !NOISE.some((noise) => noise.test(line)))
    .join(' | ')
    .slice(0, DETAIL_CHARACTERS_MAX);
}

/** Retry-After (RFC 9110 §10.2.3) in seconds, as the debug log shows the last answer that carried it. */
function retryAfter(log: string): number | undefined {
  const found = [...log.matchAll(/^Retry-After: ([0-9]{1,9})\s*$/gim)].at(-1);
  return found ? Math.min(Number(found[1]), RETRY_AFTER_SECONDS_MAX) * 1000 : undefined;
}
