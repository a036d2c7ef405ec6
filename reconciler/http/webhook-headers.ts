// Forgejo and Gitea sign as GitHub does, HMAC-SHA256 of the body in hexadecimal, under names of their own. Law: a signature that stands
// under GitHub's name is the one that counts, and nothing that stands under another name makes a wrong one good.
// https://forgejo.org/docs/latest/user/webhooks/
import type { IncomingHttpHeaders } from 'node:http';

/** In the order in which they are believed. */
const FORGES = ['forgejo', 'gitea'] as const;

/** Writes what is missing of GitHub's headers from those of the others. */
export function nameAsGithub(headers: IncomingHttpHeaders): void {
  const signature = ofForge(headers, 'signature');
  headers['x-github-event'] ??= ofForge(headers, 'event');
  headers['x-github-delivery'] ??= ofForge(headers, 'delivery');
  headers['x-hub-signature-256'] ??= signature === undefined ? undefined : `sha256=${signature}`;
}

function ofForge(headers: IncomingHttpHeaders, name: string): string | undefined {
  const found = FORGES.map((forge) => headers[`x-${forge}-${name}`]).find((value) => value !== undefined);
  // Node joins what was sent twice: such a signature fits nothing.
  return typeof found === 'string' ? found : undefined;
}
