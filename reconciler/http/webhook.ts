// POST /webhooks/github: a push is a hint to look sooner; what is true is what git answers. Law: the body is capped before anything
// else sees it, its signature is checked before it is parsed, and it decides nothing but when somebody looks next. A pull request is the
// same kind of hint. Forgejo and Gitea post here as well.

import { createNodeMiddleware, Webhooks } from '@octokit/webhooks';
import type { Request, Response } from 'express';
import { refuse } from './answer.ts';
import { readBody } from './body.ts';
import type { HttpDeps } from './deps.ts';
import { nameAsGithub } from './webhook-headers.ts';
import { createWebhookRoom } from './webhook-room.ts';

export const WEBHOOK_PATH = '/webhooks/github';

/** GitHub sends nothing larger. https://docs.github.com/en/webhooks/webhook-events-and-payloads */
const WEBHOOK_BYTES_MAX = 25 * 1024 * 1024;
const HINT_EVERY_MS = 60_000;
/** `after` of a push that deleted the branch. */
const NO_COMMIT = /^0+$/;
/** What changes what a pull request proposes, or where to. Comments, labels and the like do not. */
const PULL_ACTIONS: readonly string[] = ['opened', 'reopened', 'synchronize', 'edited', 'closed'];

type Deps = Pick<HttpDeps, 'branch' | 'webhookSecret' | 'onPush' | 'onPullRequest' | 'log' | 'metrics' | 'clock'>;

export function webhookHandler(deps: Deps): (request: Request, response: Response) => Promise<void> {
  const { branch, webhookSecret, log, metrics } = deps;
  if (!webhookSecret) return withoutSecret(deps);
  const quiet = quietLog(log);
  const push = oncePerTurn(deps.onPush);
  const pullRequest = oncePerTurn(() => deps.onPullRequest());
  const webhooks = new Webhooks({ secret: webhookSecret, log: quiet });
  webhooks.onError(() => {});
  webhooks.on('push', ({ id, payload }) => {
    const relevant = payload.ref === `refs/heads/${branch}` && !payload.deleted && !NO_COMMIT.test(payload.after);
    metrics.webhook(relevant ? 'push' : 'ignored');
    log.info({ delivery: id, ref: String(payload.ref).slice(0, 200), relevant }, 'a push was announced');
    if (relevant) push(payload.forced ? undefined : payload.after);
  });
  webhooks.on('pull_request', ({ payload }) => {
    const relevant = PULL_ACTIONS.includes(payload.action) && payload.pull_request?.base?.ref === branch;
    metrics.webhook(relevant ? 'pull_request' : 'ignored');
    if (relevant) pullRequest();
  });
  webhooks.onAny(({ name }) => {
    if (name !== 'push' && name !== 'pull_request') metrics.webhook('ignored');
  });
  const verify = createNodeMiddleware(webhooks, { path: WEBHOOK_PATH, log: quiet });

  const room = createWebhookRoom();
  return async (request, response) => {
    const giveBack = room.take(declaredBytes(request));
    if (giveBack === undefined) {
      metrics.webhook('refused');
      return refuse(response, 503, {
        error: 'busy',
        message: 'too much comes in at once; the repository is polled all the same',
      });
    }
    const text = await readBody(request, response, { bytesMax: WEBHOOK_BYTES_MAX, type: 'application/json' }).finally(
      giveBack,
    );
    if (text === undefined) {
      metrics.webhook(response.statusCode === 413 ? 'too_large' : 'refused');
      return;
    }
    // The middleware takes a body that was read before it as a string.
    request.body = text;
    nameAsGithub(request.headers);
    await verify(request, response);
    if (response.statusCode >= 400) metrics.webhook('refused');
  };
}

/** Node takes no more than was declared; without a length it may be anything up to the cap. */
function declaredBytes({ headers }: Request): number {
  const declared = Number(headers['content-length'] ?? WEBHOOK_BYTES_MAX);
  return Number.isInteger(declared) ? Math.min(Math.max(0, declared), WEBHOOK_BYTES_MAX) : WEBHOOK_BYTES_MAX;
}

function withoutSecret({ log, clock }: Deps): (request: Request, response: Response) => Promise<void> {
  let hintedMs = Number.NEGATIVE_INFINITY;
  return async (_request, response) => {
    const nowMs = clock().getTime();
    if (nowMs - hintedMs >= HINT_EVERY_MS) {
      hintedMs = nowMs;
      log.warn(
        {},
        'a webhook was refused: no secret is configured. Polling goes on; give --webhook-secret-file to react at once',
      );
    }
    refuse(response, 404, { error: 'no_webhook', message: 'no webhook secret is configured here' });
  };
}

/** Many deliveries that arrive together are one mark; of a commit only when they all name the same. */
function oncePerTurn(mark: (commit?: string) => void): (commit?: string) => void {
  let named: Set<string | undefined> | undefined;
  return (commit) => {
    if (named !== undefined) return void named.add(commit);
    named = new Set([commit]);
    setImmediate(() => {
      const [first, ...others] = named!;
      named = undefined;
      mark(others.length === 0 ? first : undefined);
    });
  };
}

/** The library logs errors with the whole payload in them: only their message passes. */
function quietLog(log: Pick<HttpDeps['log'], 'debug' | 'warn'>) {
  const said = (what: unknown) => (what instanceof Error ? what.message : String(what)).slice(0, 200);
  return {
    debug: () => {},
    info: () => {},
    warn: (what: unknown) => log.debug({ said: said(what) }, 'webhook'),
    error: (what: unknown) => log.warn({ said: said(what) }, 'a webhook delivery was refused'),
  };
}
