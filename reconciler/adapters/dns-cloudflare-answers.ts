// What the adapter reads of Cloudflare's answers, and nothing more. Law: what does not have this shape is no answer. The library checks no
// shape: for it, a page of HTML with the status 200 is an empty list.
import { Ajv } from 'ajv';
import type { Shape } from './github-answers.ts';

export interface CloudflareRecord {
  id: string;
  name: string;
  type: string;
  /** Not at all types. */
  content?: string | null;
  /** Seconds; 1: chosen by Cloudflare. */
  ttl: number;
  proxied?: boolean | null;
}

export interface CloudflareZone {
  id: string;
  name: string;
  status?: string;
}

export interface Page<T> {
  result: T[];
  result_info: { page: number; count: number; total_count: number };
}

const ajv = new Ajv({ strict: true });

function shape<T>(name: string, schema: object): Shape<T> {
  const validate = ajv.compile(schema);
  return { name, holds: (data): data is T => validate(data) };
}

const ID = { type: 'string', pattern: '^[0-9A-Za-z_-]{1,64}$' };
const NAME = { type: 'string', minLength: 1, maxLength: 1024 };
const COUNT = { type: 'integer', minimum: 0 };
const INFO = {
  type: 'object',
  required: ['page', 'count', 'total_count'],
  properties: { page: COUNT, count: COUNT, total_count: COUNT },
};

function page<T>(name: string, required: object, optional: object): Shape<Page<T>> {
  const items = { type: 'object', required: Object.keys(required), properties: { ...required, ...optional } };
  return shape(name, {
    type: 'object',
    required: ['result', 'result_info'],
    properties: { result: { type: 'array', maxItems: 10_000, items }, result_info: INFO },
  });
}

export const RECORDS = page<CloudflareRecord>(
  'a page of records',
  { id: ID, name: NAME, type: { type: 'string', pattern: '^[A-Za-z0-9]{1,16}$' }, ttl: COUNT },
  { content: { type: 'string', nullable: true }, proxied: { type: 'boolean', nullable: true } },
);

export const ZONES = page<CloudflareZone>('a page of zones', { id: ID, name: NAME }, { status: NAME });

export const BATCHED = shape<object>('the result of a batch', {
  type: 'object',
  required: ['result'],
  properties: { result: { type: 'object' } },
});
