// Judges a bearer token. Law: what is trusted is its sha256 in git; the claims inside only ever take rights away.
import { decodeJwt, type JWTPayload } from 'jose';
import { sha256Hex } from '../../bundle/canonical.ts';
import type { NodeRole } from '../../bundle/config.ts';
import { TOKEN_BYTES_MAX } from '../../bundle/limits.ts';
import type { AccessMap } from './access.ts';

/** All of these are 401: what differs is what a log or a person reads. */
export type TokenRefusal =
  | 'token_missing'
  | 'token_too_large'
  | 'token_garbled'
  | 'token_unknown'
  | 'token_revoked'
  | 'token_wrong_node'
  | 'token_wrong_generation'
  | 'token_expired';

export type TokenVerdict =
  | { kind: 'ok'; node: string; role: NodeRole; generation: number; tokenSha256: string }
  | { kind: 'unauthorized'; code: TokenRefusal; message: string }
  | { kind: 'suspended'; node: string };

/** Judges `token`, the text after `Bearer `. Nothing of the token itself stands in the answer. */
export function judgeToken(token: string, access: AccessMap, now: Date): TokenVerdict {
  if (token === '') return refused('token_missing', 'no bearer token; expected Authorization: Bearer TOKEN');
  if (token.length > TOKEN_BYTES_MAX) {
    return refused(
      'token_too_large',
      `a token of more than ${TOKEN_BYTES_MAX} bytes; expected one as the operator handed it out`,
    );
  }
  const claims = claimsOf(token);
  if (claims === undefined) {
    return refused(
      'token_garbled',
      'not a node token; expected the text that `kokoa edge add` or `kokoa origin add` printed',
    );
  }
  const tokenSha256 = sha256Hex(token);
  const slot = access.get(tokenSha256);
  if (slot === undefined) return refused('token_unknown', 'no node file on the branch holds this token');
  const { node, role, generation, state } = slot;
  if (claims.sub !== node) return refused('token_wrong_node', `the token was made for another node than ${node}`);
  if (state === 'revoked' || state === 'compromised') return refused('token_revoked', `${node} is ${state}`);
  if (claims.gen !== generation) {
    return refused('token_wrong_generation', `the token is of generation ${claims.gen}, ${node} is at ${generation}`);
  }
  if (claims.exp !== undefined && claims.exp * 1000 <= now.getTime()) {
    return refused('token_expired', `the token expired at ${isoTime(claims.exp)}`);
  }
  if (state === 'suspended') return { kind: 'suspended', node };
  return { kind: 'ok', node, role, generation, tokenSha256 };
}

interface Claims {
  sub: string;
  gen: number;
  jti: string;
  exp: number | undefined;
}

/** Decoded, not verified: the key that signed the token was thrown away when it was made. */
function claimsOf(token: string): Claims | undefined {
  let payload: JWTPayload;
  try {
    payload = decodeJwt(token);
  } catch {
    return undefined;
  }
  const { sub, gen, jti, exp } = payload;
  if (typeof sub !== 'string' || typeof jti !== 'string' || !Number.isSafeInteger(gen)) return undefined;
  if (exp !== undefined && !Number.isFinite(exp)) return undefined;
  return { sub, gen: gen as number, jti, exp };
}

function isoTime(seconds: number): string {
  const time = new Date(seconds * 1000);
  return Number.isNaN(time.getTime()) ? 'a time out of range' : time.toISOString();
}

function refused(code: TokenRefusal, message: string): TokenVerdict {
  return { kind: 'unauthorized', code, message };
}
