// What the descriptions of paths have in common: answers, refusals, parameters, bodies.
import { WAIT_SECONDS_MAX } from '../../bundle/limits.ts';
import { reference, type Schema } from './openapi-schemas.ts';

export type Operation = Readonly<Record<string, unknown>>;
type Statuses = Readonly<Record<number, string>>;

const RETRIED: readonly number[] = [429, 503];
const WORDS: Statuses = {
  400: 'The request is malformed.',
  401: 'There is no token, or it is not good.',
  403: 'The token is good, and does not reach this.',
  404: 'There is nothing of that name.',
  409: 'It does not fit what is there; error says why.',
  413: 'The body is too large.',
  415: 'The body is of another type.',
  422: 'The body is not what it has to be.',
  429: 'Too much at once.',
  502: 'The forge does not let the reconciler in.',
  503: 'Not now.',
};

export const json = (schema: Schema) => ({ 'application/json': { schema } });
export const answer = (description: string, name: string) => ({ description, content: json(reference(name)) });
const retryAfter = { description: 'Seconds.', schema: { type: 'integer' } };

export function refusals(statuses: readonly number[], name = 'Error'): Record<number, object> {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      { ...answer(WORDS[status]!, name), ...(RETRIED.includes(status) && { headers: { 'Retry-After': retryAfter } }) },
    ]),
  );
}

export const parameter = (
  place: 'path' | 'query' | 'header',
  name: string,
  description: string,
  schema: Schema = { type: 'string' },
) => ({
  ...{ name, in: place, description, schema },
  ...(place === 'path' && { required: true }),
});
export const hostname = parameter('path', 'hostname', 'In any spelling: app.hoge.com or *.app.hoge.com.');
export const wait = parameter('query', 'wait', 'Seconds to wait for a change.', {
  type: 'integer',
  minimum: 1,
  maximum: WAIT_SECONDS_MAX,
});
export const body = (schema: Schema, types: readonly string[] = ['application/json']) => ({
  required: true,
  content: Object.fromEntries(types.map((type) => [type, { schema }])),
});
