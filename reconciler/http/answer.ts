// How the server says no, and who is asking. Every refusal is an ApiError; nothing of a stack trace or a token is in it.
import type { IncomingHttpHeaders } from 'node:http';
import type { Request, Response } from 'express';
import type { ApiError } from '../../bundle/api.ts';
import type { TokenVerdict } from '../core/token.ts';
import type { HttpDeps } from './deps.ts';

export type Caller = Extract<TokenVerdict, { kind: 'ok' }>;

/** Seconds that a client should leave us alone. */
const RETRY_AFTER_SECONDS = 1;

/** How long a peer that still sends has to read the refusal before its connection is cut. */
const LINGER_MS = 200;
const SWALLOWED_BYTES_MAX = 64 * 1024;

export function refuse(response: Response, status: number, error: ApiError): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (status === 503) response.set('Retry-After', String(RETRY_AFTER_SECONDS));
  response.status(status);
  if (!isBodyUnbounded(response.req)) response.json(error);
  else refuseMidway(response, JSON.stringify(error));
}

/**
 * The peer is still sending a body that nobody will read. The whole answer goes out at once, and the connection is cut a little later:
 * closing it in the same moment would make the peer's system throw the answer away (RFC 9112, section 9.6).
 */
function refuseMidway(response: Response, body: string): void {
  response.req.pause();
  response.set({
    Connection: 'close',
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
  });
  response.write(body);
  setTimeout(() => {
    response.end();
    response.req.socket.destroySoon();
  }, LINGER_MS).unref();
}

/** A small rest is swallowed and the connection goes on; a large or endless one is not. */
function isBodyUnbounded({ complete, headers }: Request): boolean {
  if (complete) return false;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > SWALLOWED_BYTES_MAX;
}

/** The node that asks, or undefined when the refusal was already sent: 401 for anything but a good token, 403 while suspended. */
export function authenticate(request: Request, response: Response, deps: HttpDeps): Caller | undefined {
  const verdict = judgeRequest(request.headers, deps);
  if (verdict.kind === 'ok') {
    deps.reports.seen(verdict.node, deps.clock().getTime());
    return verdict;
  }
  refuseVerdict(response, verdict);
  return undefined;
}

/** The same without an answer, for requests that may also come from elsewhere. */
export function judgeRequest({ authorization }: IncomingHttpHeaders, deps: Pick<HttpDeps, 'judge'>): TokenVerdict {
  if (authorization === undefined) return deps.judge('');
  // RFC 6750, section 2.1
  const token = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(authorization)?.[1];
  if (token !== undefined) return deps.judge(token);
  return { kind: 'unauthorized', code: 'token_garbled', message: 'expected Authorization: Bearer TOKEN' };
}

export function refuseVerdict(response: Response, verdict: Exclude<TokenVerdict, { kind: 'ok' }>): void {
  if (verdict.kind === 'suspended') {
    refuse(response, 403, {
      error: 'suspended',
      message: `${verdict.node} is suspended`,
      hint: 'It keeps serving what it has. An operator sets state: active in its file, or runs kokoa resume.',
    });
    return;
  }
  const { code, message } = verdict;
  const given = code === 'token_missing' ? '' : ', error="invalid_token"';
  response.set('WWW-Authenticate', `Bearer realm="kokoa"${given}`);
  refuse(response, 401, { error: code, message });
}

/** Aborts when the client goes away or the answer is finished. */
export function goneSignal(response: Response): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return gone.signal;
}

/** A query parameter that is a whole number in a range; undefined when absent, null when it is anything else. */
export function wholeNumber(value: unknown, min: number, max: number): number | undefined | null {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || !/^\d{1,16}$/.test(value)) return null;
  const number = Number(value);
  return number >= min && number <= max ? number : null;
}
