// Why a connection brought nothing, as a check says it. Law: the code of the error decides; its text came from outside and is not shown.
import { type CheckResult, failed, NO_ROUTE } from './check.ts';

const FAILURES: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'connection_refused: nothing listens there'],
  ['ECONNRESET', 'connection_closed: the connection ended without an answer'],
  ['EPIPE', 'connection_closed: the connection ended without an answer'],
  ['ENETUNREACH', NO_ROUTE],
  ['EADDRNOTAVAIL', NO_ROUTE],
  ['EAFNOSUPPORT', NO_ROUTE],
  ['EHOSTUNREACH', 'host_unreachable: a router on the way knows no such machine'],
  ['ETIMEDOUT', 'timeout: the connection was not accepted'],
]);

/** `error`: of a socket, a handshake or an answer. */
export function connectionFailure(error: Error & { code?: string }): CheckResult & { ok: false } {
  const { code = '' } = error;
  const reason = FAILURES.get(code);
  if (reason !== undefined) return { ok: false, reason };
  if (/^(ERR_SSL_|ERR_TLS_|EPROTO)/.test(code)) return failed('handshake_refused', 'the TLS handshake failed');
  if (/^HPE_/.test(code)) return failed('not_http', 'what came back is not HTTP');
  return failed('no_answer', /^[A-Z][A-Z0-9_]{0,60}$/.test(code) ? code : 'the connection failed');
}
