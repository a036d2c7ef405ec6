// Every path that the reconciler answers, who may ask, and what it answers.
import { nodePaths } from './openapi-node-paths.ts';
import { answer, body, type Operation, refusals } from './openapi-parts.ts';
import { teamPaths } from './openapi-team-paths.ts';

export function apiPaths(): Record<string, Operation> {
  return { ...teamPaths(), ...otherPaths(), ...nodePaths() };
}

/** People, their monitoring, and git servers. */
function otherPaths(): Record<string, Operation> {
  const lists = (operationId: string, summary: string, name: string): Operation => ({
    get: {
      ...{ operationId, summary, tags: ['lists'], security: [{ nodeToken: [] }, {}] },
      responses: { 200: answer('Sorted by name.', name), ...refusals([401, 403]) },
    },
  });
  /** For a team as well, which sees what is its own. */
  const ofTeams = (operationId: string, summary: string, name: string): Operation => ({
    get: {
      ...{ operationId, summary, tags: ['lists'], security: [{ nodeToken: [] }, { teamToken: [] }, {}] },
      responses: { 200: answer('Sorted by name.', name), ...refusals([401, 403]) },
    },
  });
  const open = (operationId: string, summary: string, responses: object): Operation => ({
    get: { ...{ operationId, summary, tags: ['state'], security: [] }, responses },
  });
  const said = { description: 'In words.', content: { 'text/plain': { schema: { type: 'string' } } } };
  return {
    '/api/v1/origins': lists('listOrigins', 'The origins, and what they reported.', 'Origins'),
    '/api/v1/edges': lists('listEdges', 'The edges, and what they reported.', 'Edges'),
    '/api/v1/certificates': ofTeams('listCertificates', 'The certificates, as edges report them.', 'Certificates'),
    '/api/v1/dns': ofTeams(
      'listDns',
      'The zones that are written, and the names that are not as git wants them.',
      'Dns',
    ),
    '/api/v1/rollout': {
      get: {
        ...{ operationId: 'rollout', summary: 'Settings that go out in waves.', tags: ['state'] },
        security: [{ nodeToken: [] }, {}],
        responses: { 200: answer('Null: everybody has the same.', 'RolloutAnswer'), ...refusals([401, 403]) },
      },
    },
    '/api/v1/sealing-key': open('sealingKey', 'What secrets are sealed to.', {
      200: answer('An age recipient.', 'SealingKey'),
      ...refusals([404]),
    }),
    '/api/v1/root': open('root', 'The first root of trust: what nodes pin the sha256 of.', {
      200: answer('TUF metadata, exactly as signed.', 'Root'),
      ...refusals([503]),
    }),
    '/healthz': open('health', 'Is it alive?', { 200: answer('It is.', 'Health') }),
    '/readyz': open('readiness', 'Is something published, and does the loop run?', {
      200: answer('Yes.', 'Readiness'),
      503: answer('No, and why.', 'Readiness'),
    }),
    '/metrics': {
      get: {
        ...{ operationId: 'metrics', summary: 'For Prometheus.', tags: ['state'], security: [{ nodeToken: [] }, {}] },
        responses: { 200: said, ...refusals([401, 403]) },
      },
    },
    '/openapi.json': open('openapi', 'This document.', { 200: answer('OpenAPI 3.1.', 'OpenApi') }),
    '/webhooks/github': {
      post: {
        ...{
          operationId: 'webhook',
          summary: 'A delivery of GitHub, Forgejo or Gitea, signed with the shared secret.',
          tags: ['webhooks'],
        },
        security: [{ webhookSignature: [] }],
        requestBody: body({ type: 'object' }),
        responses: { 200: said, 202: said, ...refusals([404, 413, 415]), 400: said },
      },
    },
  };
}
