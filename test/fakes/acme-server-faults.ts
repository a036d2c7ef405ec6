// What the ACME server of the tests can do wrong, and how it is done on the wire. Law: a test chooses each fault by the request, and nothing
// else goes wrong.
import type { ServerResponse } from 'node:http';

/** What a request is for, as RFC 8555 §7.1 and RFC 9773 §4.1 name it. */
export type RequestKind =
  | 'directory'
  | 'newNonce'
  | 'newAccount'
  | 'newOrder'
  | 'order'
  | 'authorization'
  | 'challenge'
  | 'finalize'
  | 'certificate'
  | 'renewalInfo';

export type Fault =
  | { kind: 'badNonce' }
  /** A refusal. `problem`: the type of RFC 8555 §6.7 behind `urn:ietf:params:acme:error:`; absent: a page for people. */
  | { kind: 'refuse'; status: number; problem?: string; retryAfter?: string }
  /** The request is taken, and never answered. */
  | { kind: 'hang' }
  /** The request is carried out, and the connection is closed in the middle of the answer. */
  | { kind: 'close' }
  /** The request is carried out, and the answer has this many bytes more in a member that nobody knows. */
  | { kind: 'swell'; bytes: number };

/** What is wrong with a certificate that was ordered. */
export type CertificateFault =
  | 'broken_chain'
  | 'other_name'
  | 'other_key'
  | 'not_yet_valid'
  | 'ended'
  /** There is none: the order becomes `invalid` after it was finalised. */
  | 'order_invalid';

export interface Answer {
  status: number;
  headers: Record<string, string>;
  /** JSON as an object, anything else as text. */
  body: object | string;
}

/** RFC 8555 §6.7. */
export function problem(type: string, detail: string, status = 400): Answer {
  const headers = { 'Content-Type': 'application/problem+json' };
  return { status, headers, body: { type: `urn:ietf:params:acme:error:${type}`, detail, status } };
}

/** The answer in place of the right one; undefined: the request is carried out first. */
export function refusalOf(fault: Fault | undefined): Answer | undefined {
  if (fault?.kind === 'badNonce') return problem('badNonce', 'this nonce is not wanted');
  if (fault?.kind !== 'refuse') return undefined;
  const { status, problem: type, retryAfter } = fault;
  const page = { status, headers: { 'Content-Type': 'text/html' }, body: '<h1>Come back later</h1>' };
  const answer = type === undefined ? page : problem(type, 'the test wants it so', status);
  return { ...answer, headers: { ...answer.headers, ...(retryAfter !== undefined && { 'Retry-After': retryAfter }) } };
}

export function send(response: ServerResponse, { status, headers, body }: Answer, fault: Fault | undefined): void {
  const whole = typeof body === 'object' && fault?.kind === 'swell' ? { ...body, more: 'x'.repeat(fault.bytes) } : body;
  const text = typeof whole === 'string' ? whole : JSON.stringify(whole);
  const type = typeof body === 'string' ? {} : { 'Content-Type': 'application/json' };
  response.writeHead(status, { ...type, 'Content-Length': Buffer.byteLength(text), ...headers });
  if (fault?.kind !== 'close') response.end(text);
  else response.write(text.slice(0, text.length / 2), () => response.destroy());
}
