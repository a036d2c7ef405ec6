// GET /api/v1/root: root version 1, the exact text whose sha256 a node pins. Public: it holds public keys only, and a node compares it
// before it shows its token.
import type { Router } from 'express';
import { PUBLIC_ROOT_PATH } from '../../bundle/api.ts';
import { refuse } from './answer.ts';
import type { HttpDeps } from './deps.ts';

export function addPublicRoot(router: Router, { served }: HttpDeps): void {
  router.get(PUBLIC_ROOT_PATH, (_request, response) => {
    const text = served.rootsAbove(0)['1.root.json'];
    if (text !== undefined) response.type('application/json').send(text);
    else refuse(response, 503, { error: 'not_ready', message: 'the control plane has not read its root yet' });
  });
}
