// The paths of teams' programs, as the document has them.
import { answer, body, hostname, json, type Operation, parameter, refusals } from './openapi-parts.ts';
import { reference } from './openapi-schemas.ts';

export function teamPaths(): Record<string, Operation> {
  const key = parameter('header', 'Idempotency-Key', 'The same key is the same pull request for a day at least.', {
    ...{ type: 'string', minLength: 1, maxLength: 255 },
  });
  const pull = (description: string) => ({
    ...answer(description, 'PullRequest'),
    headers: { Location: { description: 'The pull request.', schema: { type: 'string', format: 'uri' } } },
  });
  const proposal = (operationId: string, summary: string, statuses: readonly number[], more: Operation): Operation => ({
    ...{ operationId, summary, tags: ['teams'], security: [{ teamToken: [] }] },
    ...more,
    parameters: [key, ...((more.parameters as object[] | undefined) ?? [])],
    responses: {
      200: {
        description: 'The pull request is there already, or nothing would change.',
        content: json({ oneOf: [reference('PullRequest'), reference('Unchanged')] }),
      },
      201: pull('The pull request was opened.'),
      ...refusals([...statuses, 400, 401, 403, 409, 422, 429, 502, 503], 'Refusal'),
    },
  });
  return {
    '/api/v1/routes': {
      get: {
        ...{ operationId: 'listRoutes', summary: 'The routes that are live; for a team, its own.', tags: ['lists'] },
        security: [{ nodeToken: [] }, { teamToken: [] }, {}],
        responses: { 200: answer('Sorted by name.', 'Routes'), ...refusals([401, 403]) },
      },
      post: proposal('addRoute', 'Open a pull request that adds a hostname.', [413, 415], {
        requestBody: body(reference('RouteRequest')),
      }),
    },
    '/api/v1/routes/{hostname}': {
      patch: proposal('changeRoute', 'Open a pull request that changes fields of a route.', [404, 413, 415], {
        parameters: [hostname],
        requestBody: body(reference('RoutePatch'), ['application/merge-patch+json', 'application/json']),
      }),
      delete: proposal('removeRoute', 'Open a pull request that removes a hostname.', [404], {
        parameters: [hostname],
      }),
    },
  };
}
