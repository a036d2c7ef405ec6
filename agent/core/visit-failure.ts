// Why a visitor got no answer, as a report says it: a code and a few words. Law: only words of ours, never a text that came from outside.

/** A question ends after this. */
export const VISIT_TIMEOUT_MS = 5_000;

const FAILURES: ReadonlyMap<string, string> = new Map([
  ['timeout', `timeout: no answer within ${VISIT_TIMEOUT_MS / 1000} s`],
  ['ECONNREFUSED', 'connection_refused: nothing listens on the HTTPS port of this edge'],
  ['ECONNRESET', 'connection_closed: the connection ended without an answer'],
]);

/** `reason`: a system or TLS error code, or `timeout`, as the probe gives it. */
export function visitFailure(reason: string): string {
  const failure = FAILURES.get(reason);
  if (failure !== undefined) return failure;
  if (/^(ERR_SSL_|ERR_TLS_|EPROTO)/.test(reason)) return 'handshake_refused: the TLS handshake failed';
  if (/^HPE_/.test(reason)) return 'not_http: what came back is not HTTP';
  return /^[A-Z][A-Z0-9_]{0,60}$/.test(reason) ? `no_answer: ${reason}` : 'no_answer: the connection failed';
}

/** Undefined: it is one of HTTP (RFC 9110, section 15). An origin can send any three digits, and a report with others is refused as a whole. */
export function statusFailure(status: number): string | undefined {
  return status >= 100 && status <= 599 ? undefined : `not_http: ${status} is no status of HTTP`;
}
