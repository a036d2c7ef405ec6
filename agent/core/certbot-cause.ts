// Why certbot got no certificate: what it printed, what the CA refused last and the debug log against a table. Law: whoever chose the name, or runs
// the server that the CA asked, can make the order fail, and by no word of theirs stops other names or costs the account.

export interface CertbotCause {
  pattern: RegExp;
  code:
    | 'acme_order_failed'
    | 'acme_validation_failed'
    | 'acme_rate_limited'
    | 'acme_unavailable'
    | 'acme_account_unknown';
  hint: string;
}

/** certbot's own words for a failed validation, before and behind the CA's, which repeat what a server answered. */
const VALIDATION_SENTENCE = /^(?:Certbot failed to authenticate some domains|Some challenges have failed\.)/m;
/** It costs the account, so only this counts: inside a JSON string the quotes would be escaped. */
const ACCOUNT_UNKNOWN: CertbotCause = {
  pattern: /"type":\s*"urn:ietf:params:acme:error:accountDoesNotExist"/,
  code: 'acme_account_unknown',
  hint: 'the CA does not know this account any more; another one is registered with the next try',
};

const CAUSES: readonly CertbotCause[] = [
  {
    pattern:
      /error:rateLimited|too many (?:certificates|requests|new orders|failed|currently)|(?:HTTP |Response \[)429/i,
    code: 'acme_rate_limited',
    hint: 'the CA limits orders; wait, and order fewer names',
  },
  {
    pattern:
      /error:accountDoesNotExist|Account (?:not found|is not valid|deactivated)|unable to find existing account/i,
    code: 'acme_order_failed',
    hint: 'the CA does not accept this account: if it was deactivated, remove acme/account-* in the state directory and restart the agent',
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
    pattern: /error:badNonce|JWS has an invalid anti-replay nonce/i,
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
 * What was refused first may have been tried again with success; `refusal` is the last one, as the log has it, and why it ended. `name` as of
 * `explainCertbot`.
 */
export function certbotCause(
  said: { output: string; refusal: string; log: string },
  name: string,
): CertbotCause | undefined {
  const texts = [said.output, said.refusal, said.log].map((text) => withoutName(text, name));
  const [output = '', refusal = '', log = ''] = texts;
  if (VALIDATION_SENTENCE.test(output)) {
    return CAUSES.find(({ code, pattern }) => code === 'acme_validation_failed' && pattern.test(output));
  }
  if (ACCOUNT_UNKNOWN.pattern.test(refusal)) return ACCOUNT_UNKNOWN;
  const found = [output, refusal].map((text) => CAUSES.find(({ pattern }) => pattern.test(text)));
  // The whole log also holds what succeeded, with URLs that others chose: it limits nothing.
  const logged = CAUSES.find(({ code, pattern }) => code !== 'acme_rate_limited' && pattern.test(log));
  return found.find((cause) => cause !== undefined) ?? logged;
}

/** Neither the name nor a parent of it, which the CA may name instead. */
function withoutName(text: string, name: string): string {
  const labels = name.replace(/^\*\./, '').split('.');
  const names = labels.slice(0, -1).map((_, index) => labels.slice(index).join('\\.'));
  return names.length === 0 ? text : text.replace(new RegExp(names.join('|'), 'gi'), 'NAME');
}
