// What is read of GitHub's answer to a new App. Law: what does not have this shape is no App.
import { createPrivateKey } from 'node:crypto';
import type { Shape } from './github-answers.ts';

export interface MadeApp {
  id: number;
  slug: string;
  html_url: string;
  /** PEM. */
  pem: string;
  webhook_secret: string;
}

const TEXT_CHARS_MAX = 16 * 1024;

export const MADE_APP: Shape<MadeApp> = {
  name: 'an App with its key',
  holds(data): data is MadeApp {
    const { id, slug, html_url: page, pem, webhook_secret: secret } = (data ?? {}) as Partial<MadeApp>;
    const isNumbered = typeof id === 'number' && Number.isSafeInteger(id) && id > 0;
    const isNamed = typeof slug === 'string' && /^[a-z0-9][a-z0-9-]{0,99}$/.test(slug) && isText(page);
    return isNumbered && isNamed && isText(secret) && /^[\x21-\x7e]{16,}$/.test(secret) && isText(pem) && isKey(pem);
  },
};

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= TEXT_CHARS_MAX;
}

function isKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === 'rsa';
  } catch {
    return false;
  }
}
