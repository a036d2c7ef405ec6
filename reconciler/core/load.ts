// One file of the data, from bytes to a checked value: everything that can be judged by looking at it alone. Never throws.
import type { AnyLoadedFile, Kind, Values } from './files.ts';
import { canonicalHostname, hostnameProblem } from './hostname.ts';
import { judgePath, kindOf, teamOf } from './paths.ts';
import { compareProblems, type Problem } from './problem.ts';
import type { RuleId } from './rules.ts';
import { judgeSchema } from './schema-problems.ts';
import { capProblems, type ParsedYaml, parseYaml } from './yaml.ts';

export { kindOf };

/**
 * Loads a file. `path` must be one for which `kindOf` knows a kind (another counts as kokoa.yaml in the wrong place); `blob` is
 * its content id, carried along. A file in a wrong place has no value, whatever it says.
 */
export function loadFile(path: string, blob: string, bytes: Uint8Array): AnyLoadedFile {
  const kind = kindOf(path) ?? 'kokoa';
  const parsed = parseYaml(path, bytes);
  const misplaced = judgePath(path, kind);
  const problems: Problem[] = misplaced ? [{ file: path, line: 1, column: 1, severity: 'error', ...misplaced }] : [];
  problems.push(...parsed.problems);
  const named = kind === 'route' ? nameOf(path, parsed) : undefined;
  if (parsed.value !== undefined) problems.push(...schemaProblems(path, kind, parsed).filter(isNews(named?.problem)));
  if (named?.problem !== undefined) problems.push(named.problem);
  const team = teamOf(path);
  return {
    path,
    blob,
    kind,
    ...(team !== undefined && { team }),
    ...(problems.length === 0 && { value: parsed.value as Values[Kind] }),
    ...(named?.hostname !== undefined && { hostname: named.hostname }),
    problems: capProblems(problems.sort(compareProblems)),
    locate: (pointer: string, part?: 'key' | 'value') => parsed.locate(pointer, part),
  } as AnyLoadedFile;
}

/** The schema's problems, but not where the YAML reader already complained about the very value. */
function schemaProblems(file: string, kind: Kind, parsed: ParsedYaml): Problem[] {
  const known = new Set(parsed.problems.map(({ line, column }) => `${line}:${column}`));
  return judgeSchema(kind, parsed.value, teamOf(file))
    .map(
      ({ pointer, part, ...finding }): Problem => ({
        file,
        ...parsed.locate(pointer, part),
        severity: 'error',
        ...finding,
      }),
    )
    .filter(({ line, column }) => !known.has(`${line}:${column}`));
}

/** What is no hostname has a wrong length for no other reason. */
function isNews(named: Problem | undefined): (problem: Problem) => boolean {
  return ({ rule, line, column }) => rule !== 'KK117' || line !== named?.line || column !== named.column;
}

/** A route has a hostname exactly when it does not take a public port: whoever has a value may rely on it. */
function nameOf(file: string, parsed: ParsedYaml): { hostname?: string; problem?: Problem } {
  const { value } = parsed;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  const { hostname: typed, protocol, publicPort } = value as Record<string, unknown>;
  const refused = (pointer: string, rule: RuleId, message: string, hint: string) => ({
    problem: { file, ...parsed.locate(pointer), rule, severity: 'error' as const, message, hint },
  });
  if (protocol === 'tcp' || protocol === 'udp') {
    if (typed === undefined) return {};
    const message = `hostname: found one with protocol: ${protocol}, expected none: nothing in a ${protocol === 'tcp' ? 'connection' : 'datagram'} names it`;
    return refused('/hostname', 'KK335', message, 'delete the line; whatever name leads to the edges works');
  }
  if (typed === undefined) {
    const port = publicPort === undefined ? '' : '; without one write protocol: tcp, or udp';
    return refused('', 'KK113', 'found no hostname, expected one', `add a line such as hostname: app.hoge.com${port}`);
  }
  if (typeof typed !== 'string') return {};
  const result = canonicalHostname(typed);
  if (result.kind === 'hostname') return { hostname: result.hostname };
  const problem = hostnameProblem(file, () => parsed.locate('/hostname'), 'hostname', typed);
  return problem === undefined ? {} : { problem };
}
