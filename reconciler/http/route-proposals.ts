// POST, PATCH and DELETE below /api/v1/routes: a team's program asks for a change, and a pull request is opened. Law: nothing is changed
// here; what the check of a pull request would refuse is refused at once, in the same words, and nothing is opened twice.
import type { Request, Response, Router } from 'express';
import { decideRoute } from '../core/route-request.ts';
import { findRoute } from '../core/route-request-names.ts';
import type { RouteMethod } from '../core/route-request-shapes.ts';
import type { TeamCaller } from '../core/team-token.ts';
import { ForgeError } from '../ports/forge.ts';
import { refuse } from './answer.ts';
import {
  outcomeOf,
  type ProposalAnswer,
  refused,
  refusedByForge,
  refusedRoute,
  sendAnswer,
} from './proposal-answers.ts';
import type { ProposalDeps } from './proposal-deps.ts';
import { createProposalLimits, PROPOSALS_PER_HOUR_MAX, PROPOSALS_PER_MINUTE_MAX } from './proposal-limits.ts';
import { answerKept, openOnce } from './proposal-opening.ts';
import { type AskedChange, readChange } from './proposal-request.ts';
import { authenticateTeam } from './team-caller.ts';

export const ROUTES_PATH = '/api/v1/routes';
const NOT_READY_SECONDS = 5;
const BUSY_SECONDS = 1;

export function addRouteProposals(router: Router, deps: ProposalDeps): void {
  const limits = createProposalLimits();

  const handler = (method: RouteMethod) => async (request: Request, response: Response) => {
    const first = authenticateTeam(request, response, deps);
    if (first === undefined) return;
    const reading = limits.whileReading(first.team, () => readChange(method, request, response));
    if (reading === undefined) return busy(method, first.team, response);
    const asked = await reading;
    if (asked === undefined) return deps.metrics.proposal(method, 'bad_request');
    const turn = limits.inTurn(first.team, async () => {
      // It may have waited: the token is judged again, and who has gone is not worked for.
      if (response.closed) return;
      const caller = authenticateTeam(request, response, deps);
      if (caller === undefined) return;
      const answer = await answerOf(asked, caller).catch(forgeAnswer);
      told(method, caller, answer);
      sendAnswer(response, answer);
    });
    return turn ?? busy(method, first.team, response);
  };

  function busy(method: RouteMethod, team: string, response: Response): void {
    const message = `too many requests of team ${team} wait already`;
    const error = { error: 'busy', message, hint: 'send one after the other' };
    deps.metrics.proposal(method, error.error);
    response.set('Retry-After', String(BUSY_SECONDS));
    // The body may still be coming in.
    refuse(response, 429, error);
  }

  async function answerOf(asked: AskedChange, caller: TeamCaller): Promise<ProposalAnswer> {
    const { forge } = deps;
    if (forge === undefined) return NO_FORGE;
    const { team } = caller;
    const waitSeconds = limits.begin(team, deps.clock().getTime());
    if (waitSeconds !== undefined) return tooMany(team, waitSeconds);
    const kept = await answerKept(team, asked, { ...deps, forge });
    if (kept !== undefined) return kept;
    const unready = unreadiness(deps);
    if (unready !== undefined) return unready;
    const { newest } = deps.standing();
    const { request } = asked;
    const found = request.method === 'POST' ? undefined : findRoute(newest, team, request.hostname);
    if (found?.kind === 'refused') return refusedRoute(found);
    const text = found === undefined ? '' : await textOf(found.file);
    if (text === undefined) return UNREADABLE;
    const decision = decideRoute(newest, team, request, found && { file: found.file, text }, deps.clock());
    if (decision.kind === 'refused') return refusedRoute(decision);
    if (decision.kind === 'unchanged') return { kind: 'unchanged', hostname: decision.hostname, file: decision.path };
    return openOnce(request.method, decision, caller, asked, { ...deps, forge });
  }

  async function textOf(file: { path: string; blob: string }): Promise<string | undefined> {
    try {
      return await deps.textOf(file);
    } catch (error) {
      deps.log.warn({ error, file: file.path }, 'a file could not be read for a change of it');
      return undefined;
    }
  }

  function forgeAnswer(error: unknown): ProposalAnswer {
    if (!(error instanceof ForgeError)) throw error;
    deps.log.warn({ error }, 'a pull request could not be opened');
    return refusedByForge(error);
  }

  function told(method: RouteMethod, { team, tokenName }: TeamCaller, answer: ProposalAnswer): void {
    const outcome = outcomeOf(answer);
    deps.metrics.proposal(method, outcome);
    const pull = 'pull' in answer ? { hostname: answer.pull.hostname, pullRequest: answer.pull.number } : {};
    deps.log.info({ team, tokenName, method, outcome, ...pull }, 'a program asked for a change');
  }

  router.post(ROUTES_PATH, handler('POST'));
  router.route(`${ROUTES_PATH}/:hostname`).patch(handler('PATCH')).delete(handler('DELETE'));
}

const NO_FORGE = refused(503, {
  error: 'no_forge',
  message: 'this reconciler cannot open pull requests: kokoa serve was not given --github OWNER/REPOSITORY',
  hint: 'Change the file in git, or ask an operator for --github, with --github-token-file or --github-app-id.',
});

const UNREADABLE = refused(
  503,
  { error: 'not_ready', message: 'the file cannot be read from git now', hint: 'Ask again in a moment.' },
  NOT_READY_SECONDS,
);

/** Undefined: the newest commit is known, and nothing holds it back. */
function unreadiness({ standing }: ProposalDeps): ProposalAnswer | undefined {
  const { commit, hold } = standing();
  if (commit === undefined)
    return refused(
      503,
      { error: 'not_ready', message: 'the newest commit is not known yet', hint: 'Ask again in a moment.' },
      NOT_READY_SECONDS,
    );
  if (hold === undefined) return undefined;
  const message = `the newest commit is held back, and nothing can be put on top of it: ${hold.message}`;
  return refused(409, { error: 'held', message, hint: hold.hint });
}

function tooMany(team: string, waitSeconds: number): ProposalAnswer {
  const message = `team ${team} has asked for ${PROPOSALS_PER_MINUTE_MAX} changes within a minute, or ${PROPOSALS_PER_HOUR_MAX} within an hour`;
  return refused(429, { error: 'too_many_requests', message, hint: `ask again in ${waitSeconds} s` }, waitSeconds);
}
