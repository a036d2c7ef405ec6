// What a team's program asks for, as a change of one route file. Law: a team reaches its own names and its own files, whatever it sends;
// who else has a name is not told; and what a pull request would be refused for is refused here, in the same words.
import { isDeepStrictEqual } from 'node:util';
import { sha256Hex } from '../../bundle/canonical.ts';
import type { Desired } from './desired.ts';
import { loadFile } from './load.ts';
import { routePath } from './new-files.ts';
import { lookup } from './persistent-map.ts';
import { judgePull } from './pull-request/judge-pull.ts';
import { type AskedFields, mergePatch, readFields } from './route-request-fields.ts';
import { canonical, filesOf, isGranted, notGranted, refused, taken, withoutOthers } from './route-request-names.ts';
import type { CurrentRoute, RouteDecision, RouteRequest } from './route-request-shapes.ts';
import { changedRouteText, newRouteText } from './route-request-text.ts';

/** Where a name that cannot be a file's is said to stand. */
const NO_NAME = 'hostname';
/** Of a file that is edited here: it takes time, in which nobody else is answered. */
const EDITED_CHARS_MAX = 32 * 1024;

/** `current`: what `findRoute` found, with its text; for PATCH and DELETE. `newest`: the newest state, good or bad. */
export function decideRoute(
  newest: Desired,
  team: string,
  request: RouteRequest,
  current: CurrentRoute | undefined,
  now: Date,
): RouteDecision {
  if (request.method === 'POST') return decideNew(newest, team, request.body, now);
  const { file, text } = current!;
  const { path } = file;
  const hostname = file.hostname!;
  if (request.method === 'DELETE') return { kind: 'change', hostname, path, text: null, warnings: [] };
  const asked = readFields(request.body, team);
  if (asked.kind === 'refused') return refused(422, asked.error, asked.message, asked.hint);
  const { hostname: renamed, ...fields } = asked.fields;
  if (renamed !== undefined && canonical(renamed) !== hostname) {
    const hint = 'POST the new name, and DELETE the old one when nobody needs it any more';
    return refused(422, 'hostname_fixed', `found another hostname, expected ${hostname}, which the path names`, hint);
  }
  const before = file.value as unknown as AskedFields;
  const after = mergePatch(before, fields) as AskedFields;
  if (isDeepStrictEqual(after, before)) return { kind: 'unchanged', hostname, path };
  if (text.length > EDITED_CHARS_MAX) {
    const message = `${path} has ${text.length} characters, expected at most ${EDITED_CHARS_MAX} of a file that is edited here`;
    return refused(409, 'layout_unknown', message, 'change it in git');
  }
  const changed = changedRouteText(path, text, before, after);
  if (changed !== undefined) return judged(newest, hostname, path, changed, now);
  const rewritten = judged(newest, hostname, path, newRouteText(path, after), now);
  if (rewritten.kind === 'refused') return rewritten;
  return refused(
    409,
    'layout_unknown',
    `${path} is laid out in a way that cannot be edited`,
    'change it in git, or run kokoa fmt there',
  );
}

function decideNew(newest: Desired, team: string, body: unknown, now: Date): RouteDecision {
  const asked = readFields(body, team);
  if (asked.kind === 'refused') return refused(422, asked.error, asked.message, asked.hint);
  const { hostname: typed } = asked.fields;
  const hostname = canonical(typed);
  if (hostname === undefined) return withoutName(newest, team, asked.fields, now);
  if (!isGranted(newest, team, hostname)) return notGranted(team, hostname);
  const fields = { ...asked.fields, hostname };
  const claims = filesOf(newest, hostname);
  const own = claims.find((file) => file.team === team);
  if (own !== undefined) {
    const isSame = isDeepStrictEqual({ ...own.value, hostname }, fields);
    if (isSame) return { kind: 'unchanged', hostname, path: own.path };
    const message = `${hostname} is taken by team ${team} itself, in ${own.path}`;
    return refused(409, 'taken', message, `PATCH /api/v1/routes/${hostname} changes it`);
  }
  if (claims.length > 0) return taken(hostname);
  const path = routePath(team, hostname);
  if (lookup(newest.files, path) !== undefined) {
    const message = `${path} exists, and does not say hostname: ${hostname}`;
    return refused(409, 'file_exists', message, 'mend or rename that file in git first');
  }
  return judged(newest, hostname, path, newRouteText(path, fields), now);
}

/** Says what is wrong with the name, or with its absence, as of a file. */
function withoutName(newest: Desired, team: string, fields: AskedFields, now: Date): RouteDecision {
  const path = routePath(team, NO_NAME);
  if (fields.protocol === 'tcp' || fields.protocol === 'udp') {
    const hint = 'write a file for a public port (docs/routes.md), and open a pull request with git';
    return refused(422, 'no_hostname', 'found a public port, expected a hostname: this adds nothing else', hint);
  }
  const decision = judged(newest, NO_NAME, path, newRouteText(path, fields), now);
  if (decision.kind === 'refused') return decision;
  return refused(422, 'no_hostname', 'found no hostname, expected one', 'add "hostname": "app.hoge.com"');
}

/** As `kokoa validate --base` would, of the one file. */
function judged(newest: Desired, hostname: string, path: string, text: string, now: Date): RouteDecision {
  if (!text.isWellFormed())
    return refused(422, 'bad_body', 'found half a character (a lone surrogate), expected whole ones', 'send UTF-8');
  const file = loadFile(path, sha256Hex(text), Buffer.from(text));
  const { problems } = judgePull(newest, [{ path, file }], [], now);
  const errors = problems.filter(({ severity }) => severity === 'error').map(withoutOthers);
  if (errors.length > 0) {
    const first = errors[0]!;
    return { ...refused(422, 'invalid', `${first.rule}: ${first.message}`, first.hint), problems: errors };
  }
  return { kind: 'change', hostname, path, text, warnings: problems.filter((problem) => problem.file === path) };
}
