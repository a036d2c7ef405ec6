// How programs behind an edge may read the path of a request. Law: they share nothing with the edge's own tables, so that a test which
// compares the two says something.
import { posix } from 'node:path';

/** Just as it is written, up to the query: the only reading that the edge itself goes by. */
export function literalPath(target: string): string {
  return target.split('?', 1)[0]!;
}

/** The longest of `prefixes` that `path` is, or is below; `` for none. */
export function longestPrefix(path: string, prefixes: readonly string[]): string {
  const fitting = prefixes.filter((prefix) => path === prefix || path.startsWith(`${prefix}/`));
  return fitting.sort((a, b) => b.length - a.length)[0] ?? '';
}

/** Name of a kind of program → the path as it understands it. */
export const READINGS: Readonly<Record<string, (target: string) => string>> = {
  literal: literalPath,
  /** Dots and repeated slashes are resolved. */
  'file server': (target) => posix.normalize(literalPath(target)),
  /** The same after escapes; also what https://pkg.go.dev/net/http#ServeMux redirects to. */
  decoding: (target) => posix.normalize(decoded(literalPath(target))),
  /** https://url.spec.whatwg.org/#path-state: a backslash is a slash, and what follows `#` is no path. */
  browser: (target) => posix.normalize(new URL(`http://x${target}`).pathname),
  /** Servlet 6.0 §3.5: parameters are taken away, then escapes, dots and empty parts. */
  servlet: (target) => posix.normalize(decoded(literalPath(target).replace(/;[^/]*/g, ''))),
  /** As on Windows and macOS, and with Express unless told otherwise. */
  'ignoring case': (target) => posix.normalize(decoded(literalPath(target)).replaceAll('\\', '/')).toLowerCase(),
  /** RFC 3986 §3.5: what follows `#` is a fragment. */
  'without fragment': (target) => posix.normalize(decoded(literalPath(target).split('#', 1)[0]!)),
};

/** Escapes are resolved once; what is no escape stays. */
function decoded(path: string): string {
  return path.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => Buffer.from(escapes.replaceAll('%', ''), 'hex').toString());
}
