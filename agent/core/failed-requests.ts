// Which backends the web server says that it could not use. Pure. Law: a line holds what visitors wrote, so it counts only when its own words name
// one backend; what is found decides nothing.
import type { Target } from './alternatives.ts';

/**
 * ngx_http_log_error_handler and ngx_http_upstream_log_error of nginx: the message, what it was doing, and then `, client: …`, the request as it came,
 * `upstream: "…"`, headers as they came.
 */
const CLIENT = ', client: ';
const UPSTREAM = ', upstream: "';
const ADDRESS = /^(?:[a-z]+:\/\/)?(\d{1,3}(?:\.\d{1,3}){3}):(\d{1,5})[/"]/;

/** Each as often as it failed. The first and the last line may be cut. */
export function failedRequests(log: string): Target[] {
  return log.split('\n').flatMap((line) => failedBy(line) ?? []);
}

function failedBy(line: string): Target | undefined {
  const client = line.indexOf(CLIENT);
  const own = line.slice(0, Math.max(0, client));
  if (!own.includes(' [error] ') || !own.includes(' while ') || !own.endsWith(' upstream')) return undefined;
  const [, named, another] = line.slice(client).split(UPSTREAM);
  const found = another === undefined && named !== undefined && ADDRESS.exec(named);
  return found ? { address: found[1]!, port: Number(found[2]) } : undefined;
}
