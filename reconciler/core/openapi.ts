// What the reconciler answers over HTTP, as an OpenAPI 3.1 document. Public: it names no host, no team and no node of this fleet.
// https://spec.openapis.org/oas/v3.1.1.html
import { apiPaths } from './openapi-paths.ts';
import { componentSchemas } from './openapi-schemas.ts';

export interface OpenApiDocument {
  openapi: string;
  info: object;
  paths: Record<string, Readonly<Record<string, unknown>>>;
  components: { schemas: Record<string, unknown>; securitySchemes: Record<string, object> };
}

export function openapiDocument(): OpenApiDocument {
  return {
    openapi: '3.1.1',
    info: {
      title: 'Kokoa Proxy, the reconciler',
      version: 'v1',
      description:
        'Answers may gain members; a client reads what it knows. Errors are always an object with error, message and, where something can be done, hint.',
    },
    servers: [{ url: '/' }],
    tags: [
      { name: 'teams', description: 'Programs of a team: a change becomes a pull request.' },
      { name: 'lists', description: 'What is live. Without a token only from the machine itself.' },
      { name: 'state', description: 'For monitoring.' },
      { name: 'webhooks', description: 'What git servers send.' },
      { name: 'nodes', description: 'What agents ask and tell.' },
    ],
    paths: apiPaths(),
    components: {
      schemas: componentSchemas(),
      securitySchemes: {
        teamToken: { type: 'http', scheme: 'bearer', description: 'What kokoa token add printed: kokoa_team_…' },
        nodeToken: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'What kokoa edge add or kokoa origin add printed.',
        },
        webhookSignature: {
          type: 'apiKey',
          in: 'header',
          name: 'X-Hub-Signature-256',
          description: 'HMAC-SHA256 of the body.',
        },
      },
    },
  } as OpenApiDocument;
}
