// certbot's words, explained. The samples are what certbot 2.1 printed.
import { expect, test } from 'vitest';
import { explainCertbot } from './certbot-failure.ts';

const NOW = Date.parse('2026-11-22T10:00:00Z');

const VALIDATION = `Saving debug log to /tmp/x/logs/letsencrypt.log
Requesting a certificate for a.hoge.com

Certbot failed to authenticate some domains (authenticator: webroot). The Certificate Authority reported these problems:
  Domain: a.hoge.com
  Type:   connection
  Detail: dial tcp 203.0.113.7:80: connection refused

Hint: The Certificate Authority failed to download the temporary challenge files created by Certbot. Ensure that …

Some challenges have failed.
Ask for help or search for solutions at https://community.letsencrypt.org. See the logfile /tmp/x`;

const LIMITED = `An unexpected error occurred:
Error creating new order :: too many certificates (5) already issued for this exact set of domains in the last 168h0m0s, retry after 2026-11-22 10:00:00 UTC: see https://letsencrypt.org/docs/rate-limits/`;

test.each([
  ['a failed validation', VALIDATION, '', 'acme_validation_failed', 'port 80'],
  ['a rate limit', LIMITED, '', 'acme_rate_limited', 'limits orders'],
  [
    'an unreachable CA',
    'requests.exceptions.ConnectionError: Max retries exceeded with url: /dir',
    '',
    'acme_unavailable',
    'does not answer',
  ],
  [
    'an untrusted CA',
    'SSLError(SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED]"))',
    '',
    'acme_order_failed',
    'not trusted',
  ],
  [
    'a refused nonce that only the log names',
    'An unexpected error occurred:\nAttributeError: x',
    'urn:ietf:params:acme:error:badNonce',
    'acme_order_failed',
    'nonce',
  ],
  [
    'an unknown account',
    'An unexpected error occurred:\nAccount not found',
    'HTTP 400\nA: b\n\n{\n  "type": "urn:ietf:params:acme:error:accountDoesNotExist",\n  "status": 400\n}',
    'acme_account_unknown',
    'registered',
  ],
  [
    'an account that only words call unknown',
    'urn:ietf:params:acme:error:accountDoesNotExist :: …',
    '',
    'acme_order_failed',
    'does not accept this account',
  ],
  [
    'an answer that ended in the middle',
    'An unexpected error occurred:\nrequests.exceptions.JSONDecodeError: Unterminated string starting at: line 1',
    '',
    'acme_unavailable',
    'ended in the middle',
  ],
  ['a CAA record', 'Detail: CAA record for a.hoge.com prevents issuance', '', 'acme_validation_failed', 'CAA'],
  [
    'a name that the CA never issues for',
    'The server will not issue certificates for the identifier :: policy forbids it',
    '',
    'acme_validation_failed',
    'does not issue for this name',
  ],
  [
    'a CA that says it cannot now, after a nonce that was tried again',
    'An unexpected error occurred:\nacme.errors.ClientError: <Response [503]>',
    'HTTP 400\nA: b\n\n{"type": "urn:ietf:params:acme:error:badNonce"}\nHTTP 200\nA: b\n\n{}\nHTTP 503\nA: b\n\nno',
    'acme_unavailable',
    'does not answer',
  ],
  [
    'a limit that only the last answer names, after an earlier 503',
    'An unexpected error occurred:\nsomething else',
    'HTTP 503\n\n\nHTTP 429\n\n{"type": "urn:ietf:params:acme:error:rateLimited"}',
    'acme_rate_limited',
    'limits orders',
  ],
  ['silence', '', '', 'acme_order_failed', 'no known cause'],
])('%s', (_title, output, log, code, hint) => {
  const failure = explainCertbot(output, log, NOW);
  expect(failure.code).toBe(code);
  expect(failure.hint).toContain(hint);
  expect(failure.detail).not.toBe('');
});

test('what the CA saw stays, what certbot says about itself goes', () => {
  const { detail } = explainCertbot(VALIDATION, '', NOW);
  expect(detail).toContain('connection refused');
  expect(detail).not.toMatch(/letsencrypt\.log|community|temporary challenge/);
});

const LIMIT_RELATED = 'HTTP 429\nServer: x\n';
const UNAVAILABLE = 'An unexpected error occurred:\nacme.errors.ClientError: <Response [503]>';

test.each([
  ['seconds', LIMITED, `${LIMIT_RELATED}Retry-After: 3600\n\n{}`, 3_600_000],
  [
    'of the last refusal, not of an earlier one',
    LIMITED,
    `${LIMIT_RELATED}Retry-After: 60\n\n${LIMIT_RELATED}Retry-After: 7\n\n`,
    7_000,
  ],
  [
    'not of an answer that is no refusal',
    LIMITED,
    `${LIMIT_RELATED}Retry-After: 60\n\n\nHTTP 200\nRetry-After: 3\n\n`,
    60_000,
  ],
  ['not of a body', LIMITED, `${LIMIT_RELATED}\nRetry-After: 60\n`, undefined],
  [
    'a date, by the CA’s own clock',
    LIMITED,
    `${LIMIT_RELATED}Date: Sun, 22 Nov 2020 10:00:00 GMT\nRetry-After: Sun, 22 Nov 2020 10:01:30 GMT\n\n`,
    90_000,
  ],
  [
    'a date, by our clock when it says none',
    LIMITED,
    `${LIMIT_RELATED}Retry-After: Sun, 22 Nov 2026 10:00:42 GMT\n\n`,
    42_000,
  ],
  ['a date that is over', LIMITED, `${LIMIT_RELATED}Retry-After: Sun, 22 Nov 2026 09:00:00 GMT\n\n`, 0],
  ['503 too', UNAVAILABLE, 'HTTP 503\nRetry-After: 120\n\n', 120_000],
  ['more than a week is a week', LIMITED, `${LIMIT_RELATED}Retry-After: 999999999999\n\n`, 7 * 86_400_000],
  ['words', LIMITED, `${LIMIT_RELATED}Retry-After: soon GMT\n\n`, undefined],
  ['a number below zero', LIMITED, `${LIMIT_RELATED}Retry-After: -5\n\n`, undefined],
  ['none of a failed validation', VALIDATION, `${LIMIT_RELATED}Retry-After: 60\n\n`, undefined],
])('Retry-After: %s', (_title, output, log, expected) => {
  const { retryAfterMs, detail } = explainCertbot(output, log, NOW);
  expect(retryAfterMs).toBe(expected);
  expect(detail.includes('asks to wait')).toBe(expected !== undefined);
});

test('an order that became invalid is told in the words of the CA, the last ones', () => {
  const output = 'An unexpected error occurred:\nacme.errors.IssuanceError';
  const log =
    '{"detail": "an old one"}\nHTTP 200\n\n{"status": "invalid", "error": {"detail": "the \\"order\\" was dropped"}}';
  expect(explainCertbot(output, log, NOW).detail).toMatch(/IssuanceError: the .*order.* was dropped$/);
  expect(explainCertbot('', log, NOW).detail).toContain('was dropped');
  expect(explainCertbot(VALIDATION, log, NOW).detail).not.toContain('was dropped');
});

/** Every code's words, as somebody else may put them into a name or into the answer of a server that the CA asks. */
const HOSTILE_NAMES = [
  ...['ratelimited', 'accountdoesnotexist', 'badnonce', 'sslerror', 'jsondecodeerror', 'connectionerror'],
  ...['serverinternal', 'unreachable', 'incompleteread', 'caa', 'rejectedidentifier'],
].flatMap((word) => [`${word}.team.example`, `app.${word}.example`, `*.${word}.example`]);
const ACCOUNT_GONE = '{"type": "urn:ietf:params:acme:error:accountDoesNotExist"}';
const HOSTILE_ANSWERS = [
  ...['too many requests', 'urn:ietf:params:acme:error:rateLimited', 'HTTP 429', 'Response [503]', 'serverInternal'],
  ...[
    'urn:ietf:params:acme:error:accountDoesNotExist',
    'Account not found',
    'error:badNonce',
    'CERTIFICATE_VERIFY_FAILED',
  ],
  ...['JSONDecodeError', 'Connection refused', `x\nHTTP 429\nRetry-After: 9999\n\n${ACCOUNT_GONE}`, 'x'.repeat(40_000)],
];

test.each(HOSTILE_NAMES)('no word of the name %s is the CA’s', (name) => {
  const parent = name.split('.').slice(1).join('.');
  const failed = VALIDATION.replaceAll('a.hoge.com', name);
  expect(explainCertbot(failed, failed, NOW, name)).toMatchObject({ code: 'acme_validation_failed' });
  for (const said of [name, parent, name.toUpperCase()]) {
    const output = `Requesting a certificate for ${name}\nAn unexpected error occurred:\nError creating new order :: no ${said}`;
    const log = `HTTP 400\nA: b\n\n{"type": "urn:ietf:params:acme:error:malformed", "detail": "no ${said}"}`;
    expect(explainCertbot(output, log, NOW, name)).toMatchObject({
      code: 'acme_order_failed',
      hint: expect.stringContaining('no known cause'),
    });
  }
  expect(explainCertbot(failed, '', NOW, name).detail).toContain(name);
});

test.each(HOSTILE_ANSWERS)('a server that answers %j fails its own validation, and nothing else', (answer) => {
  const printed = VALIDATION.replace('dial tcp', `Invalid response: ${answer}`);
  // As the debug log has it: in the answer of the CA, and once more as printed.
  const valid = `HTTP 200\nA: b\n\n${JSON.stringify({ status: 'invalid', detail: answer })}\n`;
  const log = `HTTP 400\nA: b\n\n{"type": "badNonce"}\n${valid}2026-11-22 10:00:00,123:DEBUG:certbot:${printed}`;
  for (const output of [printed, printed.slice(-32_768)]) {
    const failure = explainCertbot(output, log, NOW, 'a.hoge.com');
    expect(failure.code).toBe('acme_validation_failed');
    expect(failure).not.toHaveProperty('retryAfterMs');
  }
});

test.each([
  ['in a string of it', `{"type": "x", "detail": ${JSON.stringify(ACCOUNT_GONE)}}`],
  ['behind it', `{"type": "x"}\n2026-11-22 10:00:00,123:DEBUG:certbot._internal.log:${ACCOUNT_GONE}`],
  ['in one that was no refusal', `{"type": "x"}\nHTTP 200\n\n${ACCOUNT_GONE}\nHTTP 500\n\nno`],
  ['in one that was tried again', `${ACCOUNT_GONE}\nHTTP 200\n\n{}\nHTTP 500\n\nno`],
])('an account is not given up for words of the last refused answer: %s', (_title, log) => {
  const { code } = explainCertbot('An unexpected error occurred:\nx', `HTTP 403\nA: b\n\n${log}`, NOW, 'a.hoge.com');
  expect(code).not.toBe('acme_account_unknown');
});

test('a URL that was followed with success limits nothing', () => {
  const log = 'HTTP 200\nA: b\n\n{"validationRecord": [{"url": "http://a.b/error:rateLimited too many requests"}]}';
  expect(explainCertbot('acme.errors.IssuanceError', log, NOW, 'a.hoge.com').code).toBe('acme_order_failed');
});

test('the detail is one bounded line of printable characters', () => {
  const { detail } = explainCertbot(`\x1b[31m${'evil\x00\n'.repeat(10_000)}`, '', NOW);
  expect(detail.length).toBeLessThanOrEqual(600);
  expect(detail).toMatch(/^[\x20-\x7e]*$/);
});
