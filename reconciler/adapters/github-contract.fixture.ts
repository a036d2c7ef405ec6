// Judges requests and answers by GitHub's own description. Stricter than GitHub in one thing: a member or a query that the description
// does not name is a mistake here, where GitHub overlooks it.
import { Ajv2019, type ValidateFunction } from 'ajv/dist/2019.js';
import formats from 'ajv-formats';
import {
  type Json,
  type JsonObject,
  type Operation,
  type OperationName,
  readDescription,
} from './github-description.fixture.ts';

export interface Asked {
  name: OperationName;
  /** Of the path. */
  parameters: Record<string, string>;
}

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  schema: JsonObject;
}

const description = readDescription();
const ajv = new Ajv2019({ strict: false, allErrors: true, coerceTypes: false });
formats.default(ajv);
ajv.addFormat('repo.nwo', /^[\w.-]+\/[\w.-]+$/);
ajv.addSchema({ $id: 'github', components: { schemas: asSchema(description.components.schemas!) } });

/** GitHub answers null for the repository of a deleted fork, which its description does not know. */
const KNOWN_BETTER = /head\/repo must be object/;

const compiled = new Map<string, ValidateFunction>();

/** The operation that a method and an escaped path are of. */
export function operationOf(method: string, path: string): Asked | undefined {
  const parts = path.split('/');
  for (const [template, operations] of Object.entries(description.paths)) {
    const names = template.split('/');
    if (names.length !== parts.length || operations[method.toLowerCase()] === undefined) continue;
    const parameters: Record<string, string> = {};
    const fits = names.every((name, at) => {
      if (!name.startsWith('{')) return name === parts[at];
      parameters[name.slice(1, -1)] = decodeURIComponent(parts[at]!);
      return parts[at] !== '';
    });
    if (fits) return { name: `${method.toLowerCase()} ${template}` as OperationName, parameters };
  }
  return undefined;
}

/** What the description has against a request. */
export function requestProblems({ name, parameters }: Asked, query: URLSearchParams, body: Json | undefined): string[] {
  const operation = find(name);
  const known = (operation.parameters ?? []).map((one) => resolved(one) as unknown as Parameter);
  const given = { path: new Map(Object.entries(parameters)), query: new Map(query), header: new Map<string, string>() };
  const unknown = [...given.query.keys()].filter((key) => !known.some((one) => one.in === 'query' && one.name === key));
  const problems = unknown.map((key) => `${name} has no query ${key}`);
  for (const { name: key, in: place, required, schema } of known) {
    const text = given[place as keyof typeof given].get(key);
    if (text === undefined) {
      if (required) problems.push(`${name} needs ${place} ${key}`);
    } else problems.push(...problemsOf(`${name} ${place} ${key}`, asSchema(schema), typed(text, schema)));
  }
  return [...problems, ...bodyProblems(name, operation, body)];
}

/** What the description has against an answer. Refusals that it does not mention are taken as they are. */
export function answerProblems(name: OperationName, status: number, body: Json): string[] {
  const answer = resolved(find(name).responses[status] ?? null);
  const content = (answer as { content?: { 'application/json'?: { schema: JsonObject } } } | null)?.content?.[
    'application/json'
  ];
  if (content !== undefined)
    return problemsOf(`answer ${status} to ${name}`, asSchema(content.schema), body).filter(
      (one) => !KNOWN_BETTER.test(one),
    );
  return status < 400 ? [`${name} never answers ${status}`] : [];
}

/** GitHub's own example of a good answer, to be changed where state says otherwise. */
export function exampleOf(name: OperationName, status = 200): JsonObject {
  const answer = resolved(find(name).responses[status]!) as {
    content: { 'application/json': { examples: JsonObject } };
  };
  const examples = answer.content['application/json'].examples;
  const { value } = resolved((examples.default ?? Object.values(examples)[0])!) as { value: JsonObject };
  return structuredClone(value);
}

function find(name: OperationName): Operation {
  const [method, path] = name.split(' ') as [string, string];
  return description.paths[path]![method]!;
}

function resolved(value: Json): Json {
  const reference = (value as JsonObject | null)?.$ref;
  if (typeof reference !== 'string') return value;
  const [room, name] = reference.split('/').slice(2) as [string, string];
  return resolved(description.components[room]![name]!);
}

function bodyProblems(name: OperationName, { requestBody }: Operation, body: Json | undefined): string[] {
  if (requestBody === undefined) return body === undefined ? [] : [`${name} takes no body`];
  if (body === undefined) return requestBody.required ? [`${name} needs a body`] : [];
  return problemsOf(`body of ${name}`, closed(asSchema(requestBody.content['application/json'].schema)), body);
}

function problemsOf(what: string, schema: Json, value: unknown): string[] {
  const text = JSON.stringify(schema);
  const validate = compiled.get(text) ?? ajv.compile(schema as JsonObject);
  compiled.set(text, validate);
  if (validate(value)) return [];
  return validate.errors!.map(
    ({ instancePath, message, params }) => `${what}${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

function typed(text: string, schema: JsonObject): unknown {
  if (schema.type === 'integer') return /^\d+$/.test(text) ? Number(text) : text;
  return schema.type === 'boolean' ? text === 'true' || (text === 'false' ? false : text) : text;
}

/** OpenAPI 3.0 as JSON Schema: `nullable`, and where references point to. */
function asSchema(value: Json): Json {
  if (Array.isArray(value)) return value.map(asSchema);
  if (typeof value !== 'object' || value === null) return value;
  const { nullable, ...rest } = value;
  if (typeof rest.$ref === 'string') return { $ref: rest.$ref.replace(/^#/, 'github#') };
  const schema = Object.fromEntries(Object.entries(rest).map(([name, member]) => [name, asSchema(member)]));
  return nullable === true ? { anyOf: [{ type: 'null' }, schema] } : schema;
}

/** Objects that name their members take no others. */
function closed(value: Json): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const { properties, items, additionalProperties, ...rest } = value as Record<string, Json>;
  if (items !== undefined) return { ...rest, items: closed(items) };
  if (properties === undefined) return value;
  const members = Object.entries(properties as JsonObject).map(([name, member]) => [name, closed(member)]);
  return {
    ...rest,
    properties: Object.fromEntries(members),
    ...(additionalProperties === undefined ? { unevaluatedProperties: false } : { additionalProperties }),
  };
}
