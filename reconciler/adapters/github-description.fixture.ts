// GitHub's own description of its API, cut to what the adapter asks of it: for the double. The whole is 400 MB installed
// (@octokit/openapi 23.0.2, MIT, of https://github.com/github/rest-api-description); `node THIS_FILE api.github.com.json` prints the cut.
import { readFileSync } from 'node:fs';

export type Json = null | boolean | number | string | Json[] | { [member: string]: Json };
export type JsonObject = { [member: string]: Json };

export interface Description {
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, JsonObject>;
}

export interface Operation {
  parameters?: Json[];
  requestBody?: { required?: boolean; content: { 'application/json': { schema: JsonObject } } };
  responses: JsonObject;
}

/** Method and path as the description writes them. */
export const OPERATIONS = [
  'get /user',
  'get /repos/{owner}/{repo}/installation',
  'post /app/installations/{installation_id}/access_tokens',
  'post /app-manifests/{code}/conversions',
  'get /repos/{owner}/{repo}/pulls',
  'post /repos/{owner}/{repo}/pulls',
  'get /repos/{owner}/{repo}/commits/{commit_sha}/pulls',
  'get /repos/{owner}/{repo}/issues/{issue_number}/comments',
  'post /repos/{owner}/{repo}/issues/{issue_number}/comments',
  'patch /repos/{owner}/{repo}/issues/comments/{comment_id}',
  'get /repos/{owner}/{repo}/commits/{ref}/check-runs',
  'post /repos/{owner}/{repo}/check-runs',
  'patch /repos/{owner}/{repo}/check-runs/{check_run_id}',
  'get /repos/{owner}/{repo}/commits/{ref}/status',
  'post /repos/{owner}/{repo}/statuses/{sha}',
  'get /repos/{owner}/{repo}/deployments',
  'post /repos/{owner}/{repo}/deployments',
  'get /repos/{owner}/{repo}/deployments/{deployment_id}/statuses',
  'post /repos/{owner}/{repo}/deployments/{deployment_id}/statuses',
  'get /repos/{owner}/{repo}/git/ref/{ref}',
  'post /repos/{owner}/{repo}/git/refs',
  'get /repos/{owner}/{repo}/git/commits/{commit_sha}',
  'post /repos/{owner}/{repo}/git/commits',
  'post /repos/{owner}/{repo}/git/trees',
] as const;

export type OperationName = (typeof OPERATIONS)[number];

const FILE = new URL('github-description.json', import.meta.url);

/** Words for people, and what describes the vendor's site. */
const DROPPED = new Set(['description', 'summary', 'tags', 'externalDocs', 'x-github', 'x-multi-segment', 'links']);

const KEYS = new Set(['pem', 'token', 'client_secret', 'webhook_secret']);
const LEFT_OUT = 'left out of the cut';

export function readDescription(): Description {
  return JSON.parse(readFileSync(FILE, 'utf8'));
}

/** Keeps the operations above and every component they reach. */
export function cutDescription(whole: Description): Description {
  const { title, version } = whole.info;
  const cut: Description = { info: { title, version }, paths: {}, components: {} };
  for (const name of OPERATIONS) {
    const [method, path] = name.split(' ') as [string, string];
    const operation = whole.paths[path]?.[method];
    if (operation === undefined) throw new Error(`GitHub's description has no ${name}`);
    const { parameters, requestBody, responses } = operation;
    const kept = { ...(parameters && { parameters }), ...(requestBody && { requestBody }), responses };
    cut.paths[path] = { ...cut.paths[path], [method]: bare(kept as unknown as Json) as unknown as Operation };
  }
  const wanted = referencesOf(cut.paths as unknown as Json);
  for (const reference of wanted) {
    const [room, name] = reference.split('/').slice(2) as [string, string];
    if (cut.components[room]?.[name] !== undefined) continue;
    const component = bare(whole.components[room]![name]!, room === 'schemas');
    cut.components[room] = { ...cut.components[room], [name]: component };
    // Grows while it is walked through, until nothing new is reached.
    for (const next of referencesOf(component)) wanted.add(next);
  }
  return cut;
}

/** Members called "description" are words, except where members are named by the description itself. */
function bare(value: Json, inSchema = false): Json {
  if (Array.isArray(value)) return value.map((item) => bare(item, inSchema));
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([name, member]) => !isDropped(name, member, inSchema));
  return Object.fromEntries(members.map(([name, member]) => [name, bareMember(name, member, inSchema)]));
}

function bareMember(name: string, member: Json, inSchema: boolean): Json {
  if (name === 'example' || name === 'value') return withoutKeys(member);
  const isNamed = name === 'properties' || name === 'patternProperties';
  if (!isNamed || typeof member !== 'object' || member === null) return bare(member, inSchema || name === 'schema');
  return Object.fromEntries(Object.entries(member).map(([own, schema]) => [own, bare(schema, true)]));
}

/** The examples have a private key and tokens in them, which are good for nothing, and alarm whoever scans a repository for such. */
function withoutKeys(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, KEYS.has(name) ? LEFT_OUT : withoutKeys(member)]),
  );
}

function isDropped(name: string, member: Json, inSchema: boolean): boolean {
  return (
    (DROPPED.has(name) && (name !== 'description' || typeof member === 'string')) ||
    (inSchema && name.startsWith('example'))
  );
}

function referencesOf(value: Json): Set<string> {
  const found = new Set<string>();
  JSON.stringify(value, (name, member) => {
    if (name === '$ref' && typeof member === 'string') found.add(member);
    return member;
  });
  return found;
}

if (import.meta.filename === process.argv[1])
  process.stdout.write(
    `${JSON.stringify(cutDescription(JSON.parse(readFileSync(process.argv[2]!, 'utf8'))), null, 1)}\n`,
  );
