// Who sent a request to the ACME server of the tests (RFC 8555 §6). Law: nothing is carried out that is not signed by the account it is for,
// over the right URL and a nonce of ours that was never used.
import { randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, type FlattenedJWS, flattenedVerify, importJWK, type JWK } from 'jose';
import { type Answer, problem } from './acme-server-faults.ts';

const ALGORITHMS = ['RS256', 'ES256'];

export interface Signed {
  /** RFC 7638, of the key that signed. */
  thumbprint: string;
  jwk: JWK;
  /** Undefined: POST-as-GET (§6.3). */
  payload: Record<string, unknown> | undefined;
}

export interface Door {
  nonce(): string;
  /** `key`: of the account whose URL this is. `isNew`: the key itself must be in the request. */
  enter(
    url: string,
    body: string,
    options: { isNew: boolean; key(kid: string): JWK | undefined },
  ): Promise<Signed | Answer>;
}

export function createDoor(): Door {
  const nonces = new Set<string>();
  return {
    nonce() {
      const nonce = Buffer.from(randomUUID()).toString('base64url');
      nonces.add(nonce);
      return nonce;
    },
    async enter(url, body, { isNew, key }) {
      const jws = JSON.parse(body) as FlattenedJWS;
      const header = JSON.parse(Buffer.from(String(jws.protected), 'base64url').toString()) as {
        alg?: string;
        jwk?: JWK;
        kid?: string;
        nonce?: string;
        url?: string;
      };
      if (!nonces.delete(header.nonce ?? '')) return problem('badNonce', 'this nonce is not known');
      if (header.url !== url) return problem('unauthorized', `signed for ${header.url}, sent to ${url}`, 401);
      if ((header.jwk !== undefined) !== isNew || (header.kid !== undefined) === isNew)
        return problem('malformed', 'a new account is signed with jwk, everything else with kid');
      const jwk = header.jwk ?? key(header.kid ?? '');
      if (!jwk) return problem('accountDoesNotExist', 'no account has this URL');
      try {
        const { payload } = await flattenedVerify(jws, await importJWK(jwk, header.alg), { algorithms: ALGORITHMS });
        const text = Buffer.from(payload).toString();
        const thumbprint = await calculateJwkThumbprint(jwk);
        return { thumbprint, jwk, payload: text === '' ? undefined : JSON.parse(text) };
      } catch (error) {
        return problem('malformed', `the signature is not good: ${(error as Error).message}`);
      }
    },
  };
}
