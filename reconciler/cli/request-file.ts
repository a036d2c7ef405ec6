// The route file that a request for a hostname becomes, in the words of `kokoa route add`, judged among the files that are there.
import { sha256Hex } from '../../bundle/canonical.ts';
import { KokoaError } from '../../bundle/error.ts';
import type { HostnameRequest, RequestProblem } from '../core/hostname-request.ts';
import { routePath, routeYaml } from '../core/new-files.ts';
import type { Problem } from '../core/problem.ts';
import { onlyTeam } from './add-route.ts';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { isError, judgeData } from './judgement.ts';

export type RequestedFile =
  | { kind: 'file'; path: string; text: string }
  /** What was asked for does not fit the fleet. */
  | { kind: 'refused'; problems: RequestProblem[] }
  /** The file would be wrong. */
  | { kind: 'invalid'; problems: Problem[] };

/** Nothing is written. @throws KokoaError usage when `dir` cannot be read, kokoa_missing */
export function requestedFile(dir: string, request: HostnameRequest, now: Date): RequestedFile {
  const folder = openDataFolder(dir);
  const team = teamFor(folder, request);
  if (typeof team !== 'string') return { kind: 'refused', problems: [team] };
  const path = routePath(team, request.hostname);
  if (folder.judgement.files.some((file) => file.path === path))
    return {
      kind: 'refused',
      problems: [{ field: 'Hostname', message: `${path} is there already: change that file` }],
    };
  const text = routeYaml(request);
  const problems = newErrors(folder, path, text, now);
  return problems.length > 0 ? { kind: 'invalid', problems } : { kind: 'file', path, text };
}

function teamFor({ kokoa }: DataFolder, { hostname, team }: HostnameRequest): string | RequestProblem {
  if (team !== undefined) return team;
  try {
    return onlyTeam(kokoa, hostname);
  } catch (error) {
    if (!(error instanceof KokoaError)) throw error;
    const hint = error.message.startsWith('more') ? 'name yours' : error.hint;
    return { field: 'Team', message: `${error.message}: ${hint}` };
  }
}

/** Those that were not there without the file: the others are another's to mend. */
function newErrors({ judgement }: DataFolder, path: string, text: string, now: Date): Problem[] {
  const bytes = Buffer.from(text);
  const files = [...judgement.files, { path, blob: sha256Hex(bytes), bytes }];
  const before = new Set(judgement.problems.map(identityOf));
  return judgeData({ files, problems: [] }, now).problems.filter(
    (problem) => isError(problem) && !before.has(identityOf(problem)),
  );
}

function identityOf({ file, rule, message }: Problem): string {
  return JSON.stringify([file, rule, message]);
}
