// POST /webhooks/github: a push is a hint to look sooner; what is true is what git answers. Law: the body is capped before anything
// else sees it, its signature is checked before it is parsed, and it decides nothing but when the loop runs next. Forgejo and Gitea post
// here as well.

import { createNodeMiddleware, Webhooks } from '@octokit/webhooks';
import type { Request, Response } from 'express';
import { refuse } from './answer.ts';
import { readBody } from './body.ts';
import type { HttpDeps } from './deps.ts';
import { nameAsGithub } from './webhook-headers.ts';

export const WEBHOOK_PATH = '/webhooks/github';

/** GitHub sends nothing larger. https://docs.github.com/en/webhooks/webhook-events-and-payloads */
const WEBHOOK_BYTES_MAX = 25 * 1024 * 1024;
const HINT_EVERY_MS = 60_000;
/** `after` of a push that deleted the branch. */
const NO_COMMIT = /^0+$/;

type Deps = Pick<HttpDeps, 'branch' | 'webhookSecret' | 'onPush' | 'log' | 'metrics' | 'clock'>;

export function webhookHandler(deps: Deps): (request: Request, response: Response) => Promise<void> {
  const { branch, webhookSecret, log, metrics } = deps;
  if (!webhookSecret) return withoutSecret(deps);
  const quiet = quietLog(log);
  const push = oncePerTurn(deps.onPush);
  const webhooks = new Webhooks({ secret: webhookSecret, log: quiet });
  webhooks.onError(() => {});
  webhooks.on('push', ({ id, payload }) => {
    const relevant = payload.ref === `refs/heads/${branch}` && !payload.deleted && !NO_COMMIT.test(payload.after);
    metrics.webhook(relevant ? 'push' : 'ignored');
    log.info({ delivery: id, ref: String(payload.ref).slice(0, 200), relevant }, 'a push was announced');
    if (relevant) push();
  });
  webhooks.onAny(({ name }) => {
    if (name !== 'push') metrics.webhook('ignored');
  });
  const verify = createNodeMiddleware(webhooks, { path: WEBHOOK_PATH, log: quiet });

  return async (request, response) => {
    const text = await readBody(request, response, { bytesMax: WEBHOOK_BYTES_MAX, type: 'application/json' });
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

/** Many deliveries that arrive together are one mark. */
function oncePerTurn(mark: () => void): () => void {
  let marked = false;
  return () => {
    if (marked) return;
    marked = true;
    setImmediate(() => {
      marked = false;
      mark();
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
