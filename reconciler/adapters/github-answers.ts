// What the adapter reads of GitHub's answers, and nothing more. Law: what does not have this shape is no answer.
import { Ajv } from 'ajv';

export interface Shape<T> {
  /** For people, as in "expected a list of comments". */
  name: string;
  holds(data: unknown): data is T;
}

const ajv = new Ajv({ strict: true });

function shape<T>(name: string, schema: object): Shape<T> {
  const validate = ajv.compile(schema);
  return { name, holds: (data): data is T => validate(data) };
}

const TEXT = { type: 'string', maxLength: 1_000_000 };
const SHORT = { type: 'string', maxLength: 4096 };
const ID = { type: 'integer', minimum: 0 };
const COMMIT = { type: 'string', pattern: '^([0-9a-f]{40}|[0-9a-f]{64})$' };
const nullable = (schema: object) => ({ anyOf: [{ type: 'null' }, schema] });
const object = (properties: object) => ({ type: 'object', required: Object.keys(properties), properties });
const list = (items: object) => ({ type: 'array', maxItems: 1000, items });

const repository = object({ id: ID });

export const DONE = shape<unknown>('an object', { type: 'object' });
export const NUMBERED = shape<{ id: number }>('an object with an id', object({ id: ID }));
export const USER = shape<{ id: number }>('a user', object({ id: ID }));

export interface PullAnswer {
  number: number;
  head: { sha: string; repo: { id: number } | null };
  base: { sha: string; repo: { id: number } };
}

export const PULLS = shape<PullAnswer[]>(
  'a list of pull requests',
  list(
    object({
      number: ID,
      head: object({ sha: COMMIT, repo: nullable(repository) }),
      base: object({ sha: COMMIT, repo: repository }),
    }),
  ),
);

export const MERGED = shape<{ number: number; merged_at: string | null; base: { ref: string } }[]>(
  'a list of pull requests',
  list(object({ number: ID, merged_at: nullable(SHORT), base: object({ ref: SHORT }) })),
);

export interface OpenedAnswer {
  number: number;
  html_url: string;
  state: string;
}

const opened = object({ number: ID, html_url: SHORT, state: SHORT });
export const OPENED = shape<OpenedAnswer>('a pull request', opened);
export const OPENED_LIST = shape<OpenedAnswer[]>('a list of pull requests', list(opened));

export interface CommentAnswer {
  id: number;
  body?: string | null;
  user: { id: number } | null;
  performed_via_github_app?: { id: number } | null;
}

export const COMMENTS = shape<CommentAnswer[]>(
  'a list of comments',
  list({
    type: 'object',
    required: ['id', 'user'],
    properties: {
      id: ID,
      body: nullable(TEXT),
      user: nullable(object({ id: ID })),
      performed_via_github_app: nullable(object({ id: ID })),
    },
  }),
);

export interface CheckRunAnswer {
  id: number;
  external_id: string | null;
  status: string;
  conclusion: string | null;
  output: { annotations_count: number };
}

const checkRun = object({
  id: ID,
  external_id: nullable(SHORT),
  status: SHORT,
  conclusion: nullable(SHORT),
  output: object({ annotations_count: ID }),
});
export const CHECK_RUNS = shape<{ check_runs: CheckRunAnswer[] }>(
  'a list of check runs',
  object({ check_runs: list(checkRun) }),
);

export interface StatusAnswer {
  context: string;
  state: string;
  description: string | null;
  target_url: string | null;
}

export const COMBINED_STATUS = shape<{ statuses: StatusAnswer[] }>(
  'a combined status',
  object({
    statuses: list(object({ context: SHORT, state: SHORT, description: nullable(TEXT), target_url: nullable(TEXT) })),
  }),
);

export const DEPLOYMENTS = shape<{ id: number }[]>('a list of deployments', list(object({ id: ID })));

export interface DeploymentStatusAnswer {
  state: string;
  description: string;
  environment_url?: string;
}

export const DEPLOYMENT_STATUSES = shape<DeploymentStatusAnswer[]>(
  'a list of deployment statuses',
  list({
    type: 'object',
    required: ['state', 'description'],
    properties: { state: SHORT, description: TEXT, environment_url: TEXT },
  }),
);

export const REF = shape<{ object: { sha: string } }>('a ref', object({ object: object({ sha: COMMIT }) }));
export const GIT_COMMIT = shape<{ sha: string; tree: { sha: string } }>(
  'a commit',
  object({ sha: COMMIT, tree: object({ sha: COMMIT }) }),
);
export const GIT_OBJECT = shape<{ sha: string }>('a git object', object({ sha: COMMIT }));

export const INSTALLATION_TOKEN = shape<{ token: string; expires_at: string }>(
  'an installation token',
  object({ token: { type: 'string', pattern: '^[\\x21-\\x7e]{1,4096}$' }, expires_at: SHORT }),
);
