// GET /openapi.json: what this server answers, for programs. For anybody, because it says nothing of what it serves.
import type { Router } from 'express';
import { openapiDocument } from '../core/openapi.ts';

export const OPENAPI_PATH = '/openapi.json';

export function addOpenapi(router: Router): void {
  let text: string | undefined;
  router.get(OPENAPI_PATH, (_request, response) => {
    text ??= JSON.stringify(openapiDocument());
    response.type('application/json').send(text);
  });
}
