// What a team's program is answered. Law: of the forge only what kind of failure it was, never its words, and nothing of a credential.
import type { Response } from 'express';
import type { ApiError } from '../../bundle/api.ts';
import type { Problem } from '../core/problem.ts';
import type { RouteRefusal } from '../core/route-request-shapes.ts';
import type { ForgeError, ForgeErrorCode } from '../ports/forge.ts';

export interface PullRequestAnswer {
  url: string;
  number: number;
  state: 'open' | 'closed';
  hostname: string;
  file: string;
  warnings: readonly PlainProblem[];
}

/** Without its severity: a list holds problems of one. */
type PlainProblem = Omit<Problem, 'severity'>;

export interface Refused {
  kind: 'refused';
  status: number;
  error: ApiError & { problems?: readonly PlainProblem[] };
  retryAfterSeconds?: number;
}

export type ProposalAnswer =
  | { kind: 'opened' | 'known'; pull: PullRequestAnswer }
  | { kind: 'unchanged'; hostname: string; file: string }
  | Refused;

/** As a metric and a log line call it. */
export function outcomeOf(answer: ProposalAnswer): string {
  return answer.kind === 'refused' ? answer.error.error : answer.kind;
}

export function sendAnswer(response: Response, answer: ProposalAnswer): void {
  if (response.closed || response.headersSent) return;
  if (answer.kind === 'refused') {
    if (answer.retryAfterSeconds !== undefined) response.set('Retry-After', String(answer.retryAfterSeconds));
    response.status(answer.status).json(answer.error);
  } else if (answer.kind === 'unchanged') {
    const { hostname, file } = answer;
    response.json({ url: null, number: null, state: 'unchanged', hostname, file, warnings: [] });
  } else
    response
      .status(answer.kind === 'opened' ? 201 : 200)
      .location(answer.pull.url)
      .json(answer.pull);
}

export function refused(status: number, error: ApiError, retryAfterSeconds?: number): Refused {
  return { kind: 'refused', status, error, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
}

export function refusedRoute({ status, error, message, hint, problems }: RouteRefusal): Refused {
  return refused(status, {
    error,
    message,
    hint,
    ...(problems && { problems: problems.map(plainProblem) }),
  } as ApiError);
}

export function plainProblem({ rule, file, line, column, message, hint }: Problem): PlainProblem {
  return { rule, file, line, column, message, hint };
}

const CREDENTIAL = {
  status: 502,
  error: 'forge_refused',
  message: 'the forge does not let this reconciler open pull requests',
  hint: 'Tell an operator: the log of the reconciler has the details.',
} as const;
const CONFLICT = {
  status: 409,
  error: 'forge_conflict',
  message: 'the forge does not take the change as it is',
  hint: 'Was the same merged a moment ago? Look at the file, and ask again in a minute.',
} as const;
const AWAY = {
  status: 503,
  error: 'forge_down',
  message: 'the forge does not answer',
  hint: 'Ask again, with the same Idempotency-Key: nothing is opened twice.',
} as const;
const FORGE_ANSWERS: Readonly<Record<ForgeErrorCode, typeof CREDENTIAL | typeof CONFLICT | typeof AWAY>> = {
  forge_unauthorised: CREDENTIAL,
  forge_forbidden: CREDENTIAL,
  forge_not_found: CREDENTIAL,
  forge_conflict: CONFLICT,
  forge_invalid: CONFLICT,
  forge_limited: AWAY,
  forge_down: AWAY,
};
const AWAY_SECONDS = 30;

export function refusedByForge({ code, waitMs }: ForgeError): Refused {
  const { status, ...error } = FORGE_ANSWERS[code];
  if (code === 'forge_limited')
    return refused(
      status,
      { ...error, error: code, message: 'the forge wants no more requests for a while' },
      Math.ceil((waitMs ?? AWAY_SECONDS * 1000) / 1000),
    );
  return refused(status, error, status === 503 ? AWAY_SECONDS : undefined);
}
