import { expect, it } from 'vitest';
import { validateStatusReport } from '../../bundle/api-schema.ts';
import { statusFailure, visitFailure } from './visit-failure.ts';

const report = (visited: { status: number } | { failure: string }) => ({
  agentVersion: '1.0.0',
  state: 'applied',
  enrolment: { wireguardPublicKey: `${'A'.repeat(43)}=`, signingKey: 'A'.repeat(43), formats: [1] },
  answers: [{ hostname: 'a.test', ...visited, since: '2030-01-01T00:00:00.000Z' }],
});

it.each([
  ['timeout', 'timeout: no answer within 5 s'],
  ['ECONNREFUSED', 'connection_refused: nothing listens on the HTTPS port of this edge'],
  ['ECONNRESET', 'connection_closed: the connection ended without an answer'],
  ['ERR_SSL_TLSV1_UNRECOGNIZED_NAME', 'handshake_refused: the TLS handshake failed'],
  ['EPROTO', 'handshake_refused: the TLS handshake failed'],
  ['HPE_INVALID_CONSTANT', 'not_http: what came back is not HTTP'],
  ['EHOSTUNREACH', 'no_answer: EHOSTUNREACH'],
  ['closed without an answer', 'no_answer: the connection failed'],
  ['<b>@all</b>\n', 'no_answer: the connection failed'],
  ['constructor', 'no_answer: the connection failed'],
])('%j is said in our words, which a report may hold', (reason, failure) => {
  expect(visitFailure(reason)).toBe(failure);
  expect(validateStatusReport(report({ failure }))).toBeUndefined();
});

// An origin answers with any three digits, and one answer that the reconciler refuses would cost the edge its whole report.
it.each([0, 99, 100, 200, 599, 600, 999])('the status %i never keeps a report from being taken', (status) => {
  const failure = statusFailure(status);
  expect(validateStatusReport(report(failure === undefined ? { status } : { failure }))).toBeUndefined();
});
