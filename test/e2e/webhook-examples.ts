// What the lab's webhooks say, held against GitHub's own examples.
import { createRequire } from 'node:module';
import type { WebhookDefinition } from '@octokit/webhooks-examples';

const EXAMPLES: WebhookDefinition[] = createRequire(import.meta.url)('@octokit/webhooks-examples');

/** The members of our payload that no example of GitHub's has with the same type. `fits` picks the examples of the same kind. */
export function unlikeGitHub(
  name: 'push' | 'pull_request',
  payload: unknown,
  fits: (example: Record<string, unknown>) => boolean,
): string[] {
  const examples = EXAMPLES.find((one) => one.name === name)?.examples as unknown as Record<string, unknown>[];
  const found = examples.filter(fits).map((theirs) => differences(payload, theirs, ''));
  if (found.length === 0) return ['no example fits'];
  // A member may be null in one example and filled in another.
  return found.reduce((left, right) => left.filter((path) => right.includes(path)));
}

function differences(ours: unknown, theirs: unknown, path: string): string[] {
  if (Array.isArray(ours))
    return Array.isArray(theirs) ? differences(ours[0] ?? '', theirs[0] ?? '', `${path}[]`) : [path];
  if (typeof ours !== 'object' || ours === null) return typeof ours === typeof theirs ? [] : [path];
  if (typeof theirs !== 'object' || theirs === null) return [path];
  return Object.entries(ours).flatMap(([key, value]) =>
    key in theirs ? differences(value, (theirs as Record<string, unknown>)[key], `${path}.${key}`) : [`${path}.${key}`],
  );
}
