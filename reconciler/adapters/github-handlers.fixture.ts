// What the double does with a request: the rules of GitHub, also those that its description does not write down.

import { CHECK_HANDLERS } from './github-check-handlers.fixture.ts';
import { COMMENT_HANDLERS } from './github-comment-handlers.fixture.ts';
import { exampleOf } from './github-contract.fixture.ts';
import { DEPLOYMENT_HANDLERS } from './github-deployment-handlers.fixture.ts';
import type { OperationName } from './github-description.fixture.ts';
import { GIT_HANDLERS } from './github-git-handlers.fixture.ts';
import { type Handler, type Handlers, notFound } from './github-handler.fixture.ts';
import { PULL_HANDLERS } from './github-pull-handlers.fixture.ts';
import { STATUS_HANDLERS } from './github-status-handlers.fixture.ts';

const ACCOUNT_HANDLERS: Handlers = {
  'get /user': (_, { who }) => ({ status: 200, body: { ...exampleOf('get /user'), id: who.id } }),
  'get /repos/{owner}/{repo}/installation': () => ({
    status: 200,
    body: { ...exampleOf('get /repos/{owner}/{repo}/installation'), id: 77 },
  }),
};

const HANDLERS: Handlers = {
  ...ACCOUNT_HANDLERS,
  ...PULL_HANDLERS,
  ...COMMENT_HANDLERS,
  ...CHECK_HANDLERS,
  ...STATUS_HANDLERS,
  ...DEPLOYMENT_HANDLERS,
  ...GIT_HANDLERS,
};

/** What is not there answers as GitHub does where the credential may not look. */
export function handlerOf(name: OperationName): Handler {
  return HANDLERS[name] ?? notFound;
}
