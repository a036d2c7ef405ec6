// What team members encrypt to. Public: it opens nothing.
import type { Router } from 'express';
import { refuse } from './answer.ts';
import type { HttpDeps } from './deps.ts';

export const SEALING_KEY_PATH = '/api/v1/sealing-key';

export function addSealingKey(router: Router, { sealingRecipient: recipient }: HttpDeps): void {
  router.get(SEALING_KEY_PATH, (_request, response) => {
    if (recipient !== undefined) response.json({ recipient });
    else refuse(response, 404, { error: 'no_sealing_key', message: 'this reconciler opens no sealed texts' });
  });
}
