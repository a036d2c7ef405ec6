// Secrets that can be told by their shape, wherever they stand. Law: only shapes that their makers document are listed, nothing is
// guessed from how random a text looks, and what was found is never repeated.
import type { RuleId } from './rules.ts';

interface SecretShape {
  /** Completes "found …". */
  what: string;
  rule: RuleId;
  hint: string;
  /** Every repetition is bounded, or runs to the end of the text, so that looking costs no more than the text. */
  pattern: RegExp;
}

/** A secret in a text: UTF-16 code units from `offset` on. */
export interface FoundSecret {
  offset: number;
  length: number;
  shape: SecretShape;
}

const HASH_HINT =
  'delete it, run kokoa seal and paste what it prints, or name a secret with {file: NAME}; if this was pushed, change the password';
const TOKEN_HINT =
  'delete it, and keep it on the machine of the service; if it was pushed, revoke it where it was made: git remembers';
const KEY_HINT = 'delete it: no file here needs one; if it was pushed, make a new key: git remembers';
const NODE_TOKEN_HINT = 'delete it: a node file has the sha256 of its token; if it was pushed, make a new one';
const TEAM_TOKEN_HINT =
  'delete it: kokoa.yaml has the sha256 of a team token, which kokoa token add writes; if it was pushed, revoke it and make a new one';

const hash = (what: string, pattern: RegExp): SecretShape => ({ what, rule: 'KK017', hint: HASH_HINT, pattern });
const token = (what: string, pattern: RegExp): SecretShape => ({ what, rule: 'KK017', hint: TOKEN_HINT, pattern });
const privateKey = (what: string, pattern: RegExp): SecretShape => ({ what, rule: 'KK322', hint: KEY_HINT, pattern });

/**
 * Sources, in the order of the list:
 * - bcrypt, SHA-crypt, MD5-crypt, yescrypt, scrypt: crypt(5); apr1: https://httpd.apache.org/docs/2.4/misc/password_encryptions.html
 * - Argon2: https://github.com/P-H-C/phc-string-format
 * - {SSHA} and {SHA}: RFC 2307, 5.3, as htpasswd(1) writes them
 * - PEM: RFC 7468, 10 and 11, and OpenSSH's PROTOCOL.key
 * - age: https://age-encryption.org/v1 ("the X25519 recipient type"); plugins: https://c2sp.org/age-plugin
 * - WireGuard: wg(8), "configuration file format"; without its name such a key looks like a public one
 * - GitHub: https://docs.github.com/authentication/keeping-your-account-and-data-secure/about-authentication-to-github
 * - GitLab: https://docs.gitlab.com/security/tokens/#token-prefixes
 * - Slack: https://docs.slack.dev/authentication/tokens and https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
 * - AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
 * - Stripe: https://docs.stripe.com/keys and https://docs.stripe.com/webhooks
 * - JWT: RFC 7519; the tokens of Kokoa's own nodes are of this shape
 * - tokens of Kokoa's teams: team-token.ts
 */
const SHAPES: readonly SecretShape[] = [
  hash('a bcrypt hash', /\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{22,53}/),
  hash('a hashed password', /\$(?:1|5|6|apr1)\$(?:rounds=\d{1,9}\$)?[^\s$:]{1,16}\$[./A-Za-z0-9]{22,86}/),
  hash('a hashed password', /\$(?:y|gy|7)\$[./A-Za-z0-9]{1,90}(?:\$[./A-Za-z0-9]{1,90}){1,2}/),
  hash('a hashed password', /\$argon2(?:id|i|d)\$[\w=,$+/-]{20,300}/),
  hash('a hashed password', /\{S?SHA\}[A-Za-z0-9+/]{27,68}={0,2}/),
  privateKey('a private key', /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[\s\S]*?(?:-----END [A-Z0-9 ]{0,60}-----|$)/),
  privateKey('an age identity', /\bAGE-(?:SECRET-KEY|PLUGIN)-[A-Z0-9-]{20,4000}/),
  privateKey(
    'a WireGuard key',
    /\b(?:[Pp]rivate|[Pp]reshared)[_-]?[Kk]ey["']?\s{0,5}[=:]\s{0,5}["']?[A-Za-z0-9+/]{43}=/,
  ),
  token('a GitHub token', /\b(?:gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_\w{22,255})/),
  token('a GitLab token', /\bgl(?:pat|rt|dt|ptt|cbt|oas|soat)-[\w-]{20,300}/),
  token('a Slack token', /\b(?:xox[a-z]|xapp)(?:\.[a-z]{1,10})?-[A-Za-z0-9-]{10,300}/),
  token('a Slack webhook', /\bhooks\.slack\.com\/(?:services|workflows|triggers)\/[\w/]{10,300}/),
  token('an AWS access key', /\b(?:AKIA|ASIA)[A-Z2-7]{16}\b/),
  token(
    'an AWS secret key',
    /\b(?:aws_secret_access_key|AWS_SECRET_ACCESS_KEY)["']?\s{0,5}[=:]\s{0,5}["']?[A-Za-z0-9+/=]{40}/,
  ),
  token('a Stripe key', /\b(?:[sr]k_(?:live|test)_[A-Za-z0-9]{10,300}|whsec_[A-Za-z0-9+/=]{20,300})/),
  {
    ...token('a signed token (JWT)', /\beyJ[\w-]{5,200}\.eyJ[\w-]{3,8000}\.[\w-]{0,2000}/),
    hint: NODE_TOKEN_HINT,
  },
  { ...token('a team token', /\bkokoa_team_[\w-]{20,200}/), hint: TEAM_TOKEN_HINT },
];

/** RFC 3986, 3.2.1: a password in a URL is not to be shown. The rules of URLs refuse it, where a URL may stand. */
const URL_PASSWORD = /(:\/\/[^\s/:@]{0,100}:)([^\s/@]{1,200})(?=@)/g;

const ANY_SECRET = new RegExp(SHAPES.map(({ pattern }) => `(${pattern.source})`).join('|'), 'g');

/** The first secrets in a text, at most `max`. */
export function secretsIn(text: string, max: number): FoundSecret[] {
  const found: FoundSecret[] = [];
  for (const match of text.matchAll(ANY_SECRET)) {
    const shape = SHAPES[match.slice(1).findIndex((group) => group !== undefined)]!;
    found.push({ offset: match.index, length: match[0].length, shape });
    if (found.length >= max) break;
  }
  return found;
}

/** A text of the same length and lines, with stars for every secret that its shape tells, and for passwords in URLs. */
export function withoutShapes(text: string): string {
  return text
    .replace(ANY_SECRET, stars)
    .replace(URL_PASSWORD, (_, before: string, password: string) => before + stars(password));
}

/** Everything but white space as stars. */
export function stars(text: string): string {
  return text.replace(/\S/g, '*');
}
