// Which backends the web server says that it could not use. Pure. Law: a line holds what visitors wrote, so it counts only when its own words name
// one backend; what is found decides nothing.
import type { Target } from './alternatives.ts';

/**
 * ngx_http_log_error_handler and ngx_http_upstream_log_error of nginx: the message, what it was doing, and then `, client: …`, the request as it came,
 * `upstream: "…"`, headers as they came.
 */
const CLIENT = ', client: ';
const UPSTREAM = /, upstream: "(?:[a-z]+:\/\/)?(\d{1,3}(?:\.\d{1,3}){3}):(\d{1,5})[/"]/g;

/** Each as often as it failed. The first and the last line may be cut. */
export function failedRequests(log: string): Target[] {
  return log.split('\n').flatMap((line) => failedBy(line) ?? []);
}

function failedBy(line: string): Target | undefined {
  const client = line.indexOf(CLIENT);
  const own = line.slice(0, Math.max(0, client));
  if (!own.includes(' [error] ') || !own.includes(' while ') || !own.endsWith(' upstream')) return undefined;
  const [first, second] = [...line.slice(client).matchAll(UPSTREAM)];
  if (first === undefined || second !== undefined) return undefined;
  return { address: first[1]!, port: Number(first[2]) };
}
