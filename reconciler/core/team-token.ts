// Judges the token of a team's program. Law: what is trusted is its sha256 in kokoa.yaml; a token counts while both what is live and
// the newest valid kokoa.yaml have it, so that one which is taken away ends at once and one which is held back is not yet good.
import { timingSafeEqual } from 'node:crypto';
import { sha256Hex } from '../../bundle/canonical.ts';
import type { Kokoa } from '../../schemas/types.ts';
import type { Desired } from './desired.ts';

/** By this people and scanners of secrets tell it; what follows are 32 random bytes in base64url. */
export const TEAM_TOKEN_PREFIX = 'kokoa_team_';
const TEAM_TOKEN = /^kokoa_team_[A-Za-z0-9_-]{43}$/;

export interface TeamCaller {
  team: string;
  /** Of the token, as kokoa.yaml calls it. */
  tokenName: string;
}

export type TeamVerdict =
  | ({ kind: 'ok' } & TeamCaller)
  /** All of these are 401: what differs is what a person reads. */
  | { kind: 'unauthorized'; code: 'token_missing' | 'token_garbled' | 'token_unknown'; message: string };

/** The states that are asked: what is live, and the newest files. */
export interface TokenStates {
  live: Pick<Desired, 'kokoa'>;
  newest: Pick<Desired, 'kokoa'>;
}

/** True for what is meant to be a team's token, good or not. */
export function looksLikeTeamToken(token: string): boolean {
  return token.startsWith(TEAM_TOKEN_PREFIX);
}

/** Judges `token`, the text after `Bearer `. Nothing of the token itself stands in the answer. */
export function judgeTeamToken(token: string, { live, newest }: TokenStates): TeamVerdict {
  if (token === '') return refused('token_missing', 'no bearer token; expected Authorization: Bearer TOKEN');
  if (!TEAM_TOKEN.test(token))
    return refused('token_garbled', 'not a team token; expected the text that kokoa token add printed');
  const hash = Buffer.from(sha256Hex(token), 'hex');
  const caller = callerIn(live.kokoa?.value, hash);
  const restricted = newest.kokoa?.value;
  const stays = restricted === undefined || callerIn(restricted, hash)?.team === caller?.team;
  if (caller === undefined || !stays)
    return refused('token_unknown', 'kokoa.yaml on the branch does not have this token');
  return { kind: 'ok', ...caller };
}

interface KnownToken extends TeamCaller {
  hash: Buffer;
}

const known = new WeakMap<Kokoa, readonly KnownToken[]>();

/** Asks every token, also after one fits: how long it takes says nothing. One that two teams have (a state the rules refuse) is nobody's. */
function callerIn(kokoa: Kokoa | undefined, hash: Buffer): TeamCaller | undefined {
  const found = kokoa === undefined ? [] : tokensOf(kokoa).filter((one) => timingSafeEqual(one.hash, hash));
  const [first] = found;
  if (first === undefined || found.some(({ team }) => team !== first.team)) return undefined;
  return { team: first.team, tokenName: first.tokenName };
}

function tokensOf(kokoa: Kokoa): readonly KnownToken[] {
  const held = known.get(kokoa);
  if (held !== undefined) return held;
  const tokens = kokoa.teams.flatMap(({ name: team, tokens: all = [] }) =>
    all.map(({ name: tokenName, sha256 }) => ({ team, tokenName, hash: Buffer.from(sha256, 'hex') })),
  );
  known.set(kokoa, tokens);
  return tokens;
}

function refused(code: 'token_missing' | 'token_garbled' | 'token_unknown', message: string): TeamVerdict {
  return { kind: 'unauthorized', code, message };
}

/** True when a token that is live is not in the newest valid kokoa.yaml. */
export function losesTeamToken(live: Pick<Desired, 'kokoa'>, newest: Pick<Desired, 'kokoa'>): boolean {
  if (live.kokoa?.value === undefined || newest.kokoa?.value === undefined) return false;
  const left = tokensOf(newest.kokoa.value);
  return tokensOf(live.kokoa.value).some(
    ({ hash, team }) => !left.some((one) => one.team === team && one.hash.equals(hash)),
  );
}
