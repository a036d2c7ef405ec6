import { describe, expect, test } from 'vitest';
import { validateEnrolment, validateStatusReport } from './api-schema.ts';

const ENROLMENT = { wireguardPublicKey: `${'A'.repeat(43)}=`, signingKey: 'A'.repeat(43), formats: [1] };
const judge = (allow: string) => validateEnrolment({ ...ENROLMENT, allow: [allow] });

describe('what an owner allows, as a node announces it', () => {
  test.each([
    '8080',
    '9000-9010',
    '192.168.1.20:8080',
    '10.0.0.0:1-65535',
    '172.16.0.1:80',
    '172.31.255.255:80',
    '127.0.0.1:3000',
    '53/udp',
    '5000-5100/udp',
    '192.168.1.20:53/udp',
  ])('%s is taken', (allow) => {
    expect(judge(allow)).toBeUndefined();
  });

  test.each([
    ...[
      '0',
      '65536',
      '1-',
      '08080',
      '',
      'none',
      ' 80',
      '80\n',
      '127.0.0.1',
      '127.0.0.1:',
      '127.0.0.1:0',
      '127.0.0.1:080',
    ],
    ...[
      '127.0.0.2:80',
      '127.0.0.01:80',
      '8.8.8.8:80',
      '172.15.0.1:80',
      '172.32.0.1:80',
      '192.169.0.1:80',
      '169.254.169.254:80',
    ],
    ...[
      '10.0.0:80',
      '10.0.0.256:80',
      '10.0.0.1.1:80',
      '10.0.0.0/8:80',
      '0.0.0.0:80',
      'localhost:80',
      '[::1]:80',
      '10x0.0.1:80',
    ],
    ...['53/tcp', '53/UDP', '53/', '/udp', '53/udp/udp', '53/udp-60', '53/udp\n', '0/udp', '53/sctp'],
  ])('%j is not', (allow) => {
    expect(judge(allow)).toContain('/allow/0');
  });
});

describe('what visitors of an edge got, as it reports it', () => {
  const SINCE = '2030-01-01T00:00:00.000Z';
  const judgeAnswers = (answers: unknown) =>
    validateStatusReport({ agentVersion: '1.0.0', state: 'applied', enrolment: ENROLMENT, answers });

  test.each<[string, unknown]>([
    ['nothing', []],
    ['a status', [{ hostname: 'a.test', status: 502, since: SINCE }]],
    ['a failure', [{ hostname: 'a.test', failure: 'timeout: no answer within 5 s', since: SINCE }]],
    ['a code alone', [{ hostname: 'a.test', failure: 'timeout', since: SINCE }]],
    ['a member of a newer agent', [{ hostname: 'a.test', status: 200, since: SINCE, ms: 12 }]],
    ['100 of them', Array(100).fill({ hostname: 'a.test', status: 200, since: SINCE })],
  ])('%s is taken', (_, answers) => {
    expect(judgeAnswers(answers)).toBeUndefined();
  });

  test.each<[string, unknown]>([
    ['no answer', [{ hostname: 'a.test', since: SINCE }]],
    ['a second that no clock shows', [{ hostname: 'a.test', status: 200, since: '2016-12-31T23:59:60Z' }]],
    ['two answers', [{ hostname: 'a.test', status: 200, failure: 'timeout', since: SINCE }]],
    ['no time', [{ hostname: 'a.test', status: 200 }]],
    ['no name', [{ hostname: 'A test', status: 200, since: SINCE }]],
    ['a status of no kind', [{ hostname: 'a.test', status: 99, since: SINCE }]],
    ['a text for a status', [{ hostname: 'a.test', status: '200', since: SINCE }]],
    ['Markdown', [{ hostname: 'a.test', failure: 'x: [a](b)', since: SINCE }]],
    ['a mention', [{ hostname: 'a.test', failure: 'x: @everybody', since: SINCE }]],
    ['a new line', [{ hostname: 'a.test', failure: 'x: a\nb', since: SINCE }]],
    ['201 characters', [{ hostname: 'a.test', failure: `x: ${'a'.repeat(198)}`, since: SINCE }]],
    ['101 of them', Array(101).fill({ hostname: 'a.test', status: 200, since: SINCE })],
    ['no list', { hostname: 'a.test' }],
  ])('%s is not', (_, answers) => {
    expect(judgeAnswers(answers)).toContain('/answers');
  });
});

describe('what an edge found other edges to be', () => {
  const SINCE = '2030-01-01T00:00:00.000Z';
  const judgeChecks = (checks: unknown) =>
    validateStatusReport({ agentVersion: '1.0.0', state: 'applied', enrolment: ENROLMENT, checks });
  const down = { node: 'tokyo-2', up: false, since: SINCE, reason: 'timeout: no answer within 2000 ms' };

  test.each<[string, unknown]>([
    ['nothing', []],
    ['one that is up', [{ node: 'tokyo-2', up: true, since: SINCE }]],
    ['one that is down', [down]],
    ['a member of a newer agent', [{ ...down, ms: 12 }]],
    ['64 of them', Array(64).fill(down)],
  ])('%s is taken', (_, checks) => {
    expect(judgeChecks(checks)).toBeUndefined();
  });

  test.each<[string, unknown]>([
    ['no node', [{ up: true, since: SINCE }]],
    ['a node with a path', [{ ...down, node: '../x' }]],
    ['neither up nor down', [{ node: 'tokyo-2', since: SINCE }]],
    ['a text for up', [{ ...down, up: 'false' }]],
    ['no time', [{ node: 'tokyo-2', up: true }]],
    ['Markdown', [{ ...down, reason: 'x: [a](b)' }]],
    ['201 characters', [{ ...down, reason: `x: ${'a'.repeat(198)}` }]],
    ['65 of them', Array(65).fill(down)],
  ])('%s is not', (_, checks) => {
    expect(judgeChecks(checks)).toContain('/checks');
  });
});

test.each([
  [1, undefined],
  [1_000_000, undefined],
  [0, '/rootVersion must be >= 1'],
  [1_000_001, '/rootVersion must be <= 1000000'],
  [1.5, '/rootVersion must be integer'],
  ['2', '/rootVersion must be integer'],
])('of a root that a node trusts, %j: %s', (rootVersion, problem) => {
  const report = { agentVersion: '1.0.0', state: 'applied', enrolment: ENROLMENT, rootVersion };
  expect(validateStatusReport(report)).toBe(problem);
});
