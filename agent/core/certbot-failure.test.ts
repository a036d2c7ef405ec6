// certbot's words, explained. The samples are what certbot 2.1 printed.
import { expect, test } from 'vitest';
import { explainCertbot } from './certbot-failure.ts';

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
  ['a failed validation', VALIDATION, '', 'acme_order_failed', 'port 80'],
  ['a rate limit', LIMITED, '', 'acme_rate_limited', 'limits orders'],
  [
    'an unreachable CA',
    'requests.exceptions.ConnectionError: Max retries exceeded with url: /dir',
    '',
    'acme_order_failed',
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
    'urn:ietf:params:acme:error:accountDoesNotExist :: …',
    '',
    'acme_account_unknown',
    'registered',
  ],
  ['a CAA record', 'Detail: CAA record for a.hoge.com prevents issuance', '', 'acme_order_failed', 'CAA'],
  ['silence', '', '', 'acme_order_failed', 'no known cause'],
])('%s', (_title, output, log, code, hint) => {
  const failure = explainCertbot(output, log);
  expect(failure.code).toBe(code);
  expect(failure.hint).toContain(hint);
  expect(failure.detail).not.toBe('');
});

test('what the CA saw stays, what certbot says about itself goes', () => {
  const { detail } = explainCertbot(VALIDATION, '');
  expect(detail).toContain('connection refused');
  expect(detail).not.toMatch(/letsencrypt\.log|community|temporary challenge/);
});

test('Retry-After of the last refused answer is taken, bounded', () => {
  const log = 'HTTP 429\nRetry-After: 60\n\nHTTP 429\nRetry-After: 3600\n\n';
  expect(explainCertbot(LIMITED, log)).toMatchObject({
    retryAfterMs: 3_600_000,
    detail: expect.stringContaining('3600 s'),
  });
  expect(explainCertbot(LIMITED, 'Retry-After: 999999999\n').retryAfterMs).toBe(7 * 86_400_000);
  expect(explainCertbot(VALIDATION, log).retryAfterMs).toBeUndefined();
});

test('the detail is one bounded line of printable characters', () => {
  const { detail } = explainCertbot(`\x1b[31m${'evil\x00\n'.repeat(10_000)}`, '');
  expect(detail.length).toBeLessThanOrEqual(600);
  expect(detail).toMatch(/^[\x20-\x7e]*$/);
});
