// Which team is asking. Law: a team's token opens what is the team's and nothing of a node's, and a node's token nothing of a team's.
import type { IncomingHttpHeaders } from 'node:http';
import type { Request, Response } from 'express';
import { judgeTeamToken, looksLikeTeamToken, type TeamCaller, type TeamVerdict } from '../core/team-token.ts';
import { refuse } from './answer.ts';
import type { ProposalParts } from './proposal-deps.ts';

type Deps = Pick<ProposalParts, 'standing'>;

/** The team that asks, or undefined when the refusal was already sent: 401 for anything but a good token. */
export function authenticateTeam(request: Request, response: Response, deps: Deps): TeamCaller | undefined {
  const states = deps.standing();
  if (states.live.kokoa?.value === undefined) {
    refuse(response, 503, { error: 'not_ready', message: 'nothing is live yet: no token can be judged' });
    return undefined;
  }
  const verdict = judgeTeamToken(bearerOf(request.headers) ?? '', states);
  if (verdict.kind === 'ok') return { team: verdict.team, tokenName: verdict.tokenName };
  refuseTeam(response, verdict);
  return undefined;
}

/** For requests that may also come from nodes and people: undefined when no team's token is shown. */
export function teamVerdictOf(headers: IncomingHttpHeaders, deps: Deps | undefined): TeamVerdict | undefined {
  const token = bearerOf(headers);
  if (deps === undefined || token === undefined || !looksLikeTeamToken(token)) return undefined;
  return judgeTeamToken(token, deps.standing());
}

export function refuseTeam(response: Response, verdict: Exclude<TeamVerdict, { kind: 'ok' }>): void {
  const { code, message } = verdict;
  const given = code === 'token_missing' ? '' : ', error="invalid_token"';
  response.set('WWW-Authenticate', `Bearer realm="kokoa"${given}`);
  const hint = 'An operator makes a token with kokoa token add; it is good once that is merged and live.';
  refuse(response, 401, { error: code, message, hint });
}

/** RFC 6750, section 2.1. Undefined: there is none, or another scheme. */
function bearerOf({ authorization = '' }: IncomingHttpHeaders): string | undefined {
  return /^Bearer +(\S{1,4096}) *$/i.exec(authorization)?.[1];
}
