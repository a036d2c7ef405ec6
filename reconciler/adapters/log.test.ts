// Nothing secret and nothing a terminal obeys gets into the log.
import { expect, it } from 'vitest';
import { KokoaError } from '../../bundle/error.ts';
import { createLog } from './log.ts';

const jwt = 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ0b2t5by0xIn0.c2lnbmF0dXJl';

function logged(format: 'text' | 'json', fields: object, message = 'said'): string {
  let line = '';
  createLog({
    format,
    write(text) {
      line = text;
    },
  }).info(fields, message);
  return line;
}

const secrets: [string, object, string][] = [
  ['an authorization member', { authorization: 'Bearer sekret-value' }, 'sekret'],
  ['the headers of a request', { headers: { authorization: 'sekret', cookie: 'sekret' } }, 'sekret'],
  ['a token', { token: 'sekret' }, 'sekret'],
  ['a JWT inside a text', { reason: `got ${jwt} instead` }, 'c2lnbmF0dXJl'],
  ['a bearer inside a text', { reason: 'header was Bearer abcdefghijkl' }, 'abcdefghijkl'],
  ['a JWT in the message of an error', { error: new Error(`bad ${jwt}`) }, 'c2lnbmF0dXJl'],
  ['an age key', { reason: 'AGE-SECRET-KEY-1QQQQQQ' }, '1QQQQQQ'],
  ['a token of a team', { reason: `kokoa_team_${'Q'.repeat(43)}` }, 'QQQQQQ'],
  ['a token of GitHub', { reason: `ghs_${'Q'.repeat(36)}` }, 'QQQQQQ'],
  ['a PEM key', { reason: '-----BEGIN PRIVATE KEY-----\nMC4CAQAw\n-----END PRIVATE KEY-----' }, 'MC4CAQAw'],
];
it.each(
  secrets.flatMap(([name, fields, secret]) =>
    (['text', 'json'] as const).map((format) => [name, format, fields, secret] as const),
  ),
)('hides %s as %s', (_, format, fields, secret) => {
  const line = logged(format, fields);
  expect(line).not.toContain(secret);
  expect(line).toContain('[hidden]');
});

it.each(['text', 'json'] as const)('escapes what a terminal would obey, as %s', (format) => {
  const evil = '\u001b[31mred\u0007\r\nFAKE LINE\u009b2J\u202eesrever\u2028';
  const line = logged(format, { path: evil, [evil]: 1 }, evil);
  expect(line).toMatch(/\n$/);
  expect(line.slice(0, -1)).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028-\u202e]/);
  expect(line).toContain('\\u001b[31mred');
  if (format === 'json') expect(JSON.parse(line)).toMatchObject({ path: evil, msg: evil });
});

it('shows a KokoaError without stack, anything else with it, and one line each', () => {
  const known = logged('text', {
    error: new KokoaError('source_unreachable', 'no route', { hint: 'look at the cable' }),
  });
  expect(known).toMatch(/ INFO {2}said error=\{.*source_unreachable.*look at the cable/);
  expect(known).not.toContain('log.test.ts');
  const unknown = logged('json', { error: new TypeError('broken') });
  expect(unknown).toContain('log.test.ts');
  expect(unknown.match(/\n/g)).toHaveLength(1);
});

it('writes plain words plainly and keeps below its level', () => {
  expect(logged('text', { node: 'tokyo-1', ms: 3, path: 'routes/a b.yaml' })).toMatch(
    /^\d{4}-\S+Z INFO {2}said node=tokyo-1 ms=3 path="routes\/a b.yaml"\n$/,
  );
  let lines = 0;
  const log = createLog({
    format: 'text',
    level: 'warn',
    write() {
      lines += 1;
    },
  });
  log.debug({}, 'x');
  log.info({}, 'x');
  log.warn({}, 'x');
  expect(lines).toBe(1);
});
