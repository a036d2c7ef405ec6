// Which backends the web server says that it could not use. Pure. Law: a line holds what visitors and origins wrote, so one that is cut or holds an
// origin's words counts for nothing; nothing is escaped in it, so what is found is a hint, and decides nothing.
import type { Target } from './alternatives.ts';

/**
 * ngx_http_log_error_handler, ngx_http_upstream_log_error and ngx_stream_log_error of nginx: the message, what it was doing, and then `, client: …`, the
 * request as it came, `upstream: "…"`, headers as they came.
 */
const CLIENT = /, (?:udp )?client: /;
const UPSTREAM = ', upstream: "';
const ADDRESS = /^(?:[a-z]+:\/\/)?(\d{1,3}(?:\.\d{1,3}){3}):(\d{1,5})[/"]/;
/** NGX_MAX_ERROR_STR without its end: a longer line was cut. */
const CHARACTERS_MAX = 2_046;
/** What follows is the origin's. */
const QUOTES_ORIGIN = 'upstream sent ';

/** Each as often as it failed. */
export function failedRequests(log: string): Target[] {
  return log.split('\n').flatMap((line) => failedBy(line) ?? []);
}

function failedBy(line: string): Target | undefined {
  const client = line.length > CHARACTERS_MAX ? -1 : line.search(CLIENT);
  if (client < 0 || !isOfUpstream(line.slice(0, client))) return undefined;
  const [, named, another] = line.slice(client).split(UPSTREAM);
  const found = another === undefined && named !== undefined && ADDRESS.exec(named);
  return found ? { address: found[1]!, port: Number(found[2]) } : undefined;
}

/** `own`: nginx's words. Of what is critical only TLS is the backend's: a lack of ports is the edge's. */
function isOfUpstream(own: string): boolean {
  const isFailure = own.includes(' [error] ') || (own.includes(' [crit] ') && own.includes('SSL'));
  return isFailure && own.includes(' while ') && own.endsWith(' upstream') && !own.includes(QUOTES_ORIGIN);
}
