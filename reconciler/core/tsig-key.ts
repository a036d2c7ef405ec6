// A TSIG key (RFC 8945) as tsig-keygen and keymgr print it. Law: what passes here holds no character that could end a line of nsupdate, and
// no word of it stands in an error.
export interface TsigKey {
  name: string;
  algorithm: string;
  /** Base64. */
  secret: string;
}

const TEXT_CHARACTERS_MAX = 4_096;
const ALGORITHMS = ['hmac-sha256', 'hmac-sha384', 'hmac-sha512'];
const NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,250}[A-Za-z0-9])?$/;
const SECRET = /^[A-Za-z0-9+/]{20,200}={0,2}$/;
/** BIND writes the first form, knot the second: `key "NAME" { algorithm A; secret "S"; };` and `- id: NAME`, `algorithm: A`, `secret: S`. */
const FORMS = {
  name: [/\bkey\s+"?([^"\s{;]+)"?\s*\{/, /(?:^|\n)\s*-?\s*id:\s*"?([^"\s]+)"?/],
  algorithm: [/\balgorithm\s+"?([^"\s;]+)"?\s*;/, /\balgorithm:\s*"?([^"\s]+)"?/],
  secret: [/\bsecret\s+"?([^"\s;]+)"?\s*;/, /\bsecret:\s*"?([^"\s]+)"?/],
};

export function parseTsigKey(text: string): TsigKey | { problem: string } {
  if (text.length > TEXT_CHARACTERS_MAX) return { problem: `it has more than ${TEXT_CHARACTERS_MAX} characters` };
  const first = (forms: RegExp[]) => forms.map((form) => form.exec(text)?.[1]).find((found) => found !== undefined);
  const [name, algorithm, secret] = [FORMS.name, FORMS.algorithm, FORMS.secret].map(first);
  if (name === undefined || algorithm === undefined || secret === undefined)
    return { problem: 'expected key "NAME" { algorithm hmac-sha256; secret "…"; };' };
  if (!NAME.test(name)) return { problem: 'the name of the key has other characters than expected' };
  if (!ALGORITHMS.includes(algorithm.toLowerCase())) return { problem: `expected one of ${ALGORITHMS.join(', ')}` };
  if (!SECRET.test(secret)) return { problem: 'the secret is not base64 of a usual length' };
  return { name, algorithm: algorithm.toLowerCase(), secret };
}
