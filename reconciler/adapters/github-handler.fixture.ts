// What every handler of the double is: what it may touch, what it is asked, and how GitHub refuses.
import type { Json, JsonObject, OperationName } from './github-description.fixture.ts';
import type { GithubEvent } from './github-event.fixture.ts';
import type { GithubRepository } from './github-repository.fixture.ts';
import type { GithubState, Who } from './github-state.fixture.ts';

export interface GithubInside {
  state: GithubState;
  repository: GithubRepository;
  /** What GitHub posts to webhooks. */
  tell(event: GithubEvent): void;
}

export interface Request {
  who: Who;
  parameters: Record<string, string>;
  query: URLSearchParams;
  body: JsonObject;
}

export interface Answer {
  status: number;
  body: Json;
}

export type Handler = (github: GithubInside, request: Request) => Answer | Promise<Answer>;
export type Handlers = Partial<Record<OperationName, Handler>>;

export function refused(status: number, message: string, errors?: Json): Answer {
  const documentation_url = 'https://docs.github.com/rest';
  return {
    status,
    body: { message, ...(errors === undefined ? {} : { errors }), documentation_url, status: String(status) },
  };
}

export function invalid(message: string): Answer {
  return refused(422, 'Validation Failed', [{ resource: 'Thing', code: 'custom', field: 'x', message }]);
}

export function notFound(): Answer {
  return refused(404, 'Not Found');
}

export function paged<T>(items: T[], query: URLSearchParams): T[] {
  const size = Number(query.get('per_page') ?? 30);
  const from = (Number(query.get('page') ?? 1) - 1) * size;
  return items.slice(from, from + size);
}
