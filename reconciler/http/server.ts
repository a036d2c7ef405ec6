// The one door of the reconciler: which path leads to which handler, under one set of headers, limits and answers to errors.
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import { refuse } from './answer.ts';
import type { HttpDeps } from './deps.ts';
import { nodeConfigHandler } from './node-config.ts';
import { nodeStatusHandler } from './node-status.ts';
import { addObservation } from './observe.ts';
import { addOpenapi } from './openapi.ts';
import { addPublicRoot } from './public-root.ts';
import { addRelay } from './relay.ts';
import { addRouteProposals } from './route-proposals.ts';
import { addSealingKey } from './sealing-key.ts';
import { WEBHOOK_PATH, webhookHandler } from './webhook.ts';

export { listen } from './listen.ts';

const NODE_PATH = '/api/v1/edge-nodes/me';

export function createHttpApp(deps: HttpDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.enable('case sensitive routing');
  app.enable('strict routing');
  app.use(protectiveHeaders, counted(deps));
  app.get(`${NODE_PATH}/config`, nodeConfigHandler(deps));
  app.post(`${NODE_PATH}/status`, nodeStatusHandler(deps));
  addRelay(app, `${NODE_PATH}/relay`, deps);
  app.post(WEBHOOK_PATH, webhookHandler(deps));
  addObservation(app, deps);
  if (deps.proposals) addRouteProposals(app, { ...deps, ...deps.proposals, metrics: deps.metrics.forge });
  addSealingKey(app, deps);
  addPublicRoot(app, deps);
  addOpenapi(app);
  app.use((_request, response) => refuse(response, 404, { error: 'not_found', message: 'there is nothing here' }));
  app.use(errorAnswer(deps));
  return app;
}

/** Nothing here is for a cache or a browser, and answers differ by who asks and what they accept. */
const protectiveHeaders: RequestHandler = (_request, response, next) => {
  response.set({
    'Cache-Control': 'no-store',
    Vary: 'Accept, Authorization',
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    'Referrer-Policy': 'no-referrer',
  });
  next();
};

/** Counts by the pattern of the route: a path would let strangers fill the memory with labels. */
function counted({ metrics, log }: HttpDeps): RequestHandler {
  return (request, response, next) => {
    response.once('close', () => {
      const route = request.route?.path === undefined ? 'none' : String(request.route.path);
      const code = response.headersSent ? response.statusCode : CLIENT_GONE;
      metrics.request(route, code);
      log.debug({ method: request.method, route, code }, 'request');
    });
    next();
  };
}

/** As nginx counts a client that left before the answer. */
const CLIENT_GONE = 499;

function errorAnswer({ log }: HttpDeps): ErrorRequestHandler {
  return (error, request, response, _next) => {
    // Express itself refuses paths that cannot be decoded.
    const status = Number(error?.status);
    if (status >= 400 && status < 500)
      return refuse(response, status, { error: 'bad_request', message: 'the request is malformed' });
    log.error({ error, route: request.route?.path }, 'a request failed');
    refuse(response, error?.code?.startsWith?.('store_') ? 503 : 500, {
      error: 'internal',
      message: 'the request could not be answered',
    });
  };
}
