// What AWS hands out as an access key, and what else may stand in the file of it.
import fc from 'fast-check';
import { expect, it, test } from 'vitest';
import { parseAwsCredentials } from './aws-credentials.ts';

const ID = 'AKIACANARYCANARY0001';
const SECRET = 'canary/Secret+canary/Secret+canary/Secr=';
const TOKEN = 'canaryTokencanaryTokencanaryToken==';
const file = (id = ID, secret = SECRET, more = '') =>
  `[default]\naws_access_key_id = ${id}\naws_secret_access_key = ${secret}\n${more}`;

it.each([
  ['a key', file(), {}],
  ['a key that is lent', file(ID, SECRET, `aws_session_token = ${TOKEN}\n`), { sessionToken: TOKEN }],
  ['other line ends, no spaces and no last line end', file().replaceAll('\n', '\r\n').replaceAll(' ', '').trim(), {}],
  ['remarks', `# of hoge\n\n; more\n${file()}  # end\n`, {}],
])('reads %s', (_, text, more) => {
  expect(parseAwsCredentials(text)).toEqual({ accessKeyId: ID, secretAccessKey: SECRET, ...more });
});

it.each([
  ['nothing', ''],
  ['no section', file().replace('[default]\n', '')],
  ['another profile', file().replace('default', 'hoge')],
  ['a second profile', `${file()}[hoge]\n${file().replace('[default]\n', '')}`],
  ['no secret', `[default]\naws_access_key_id = ${ID}\n`],
  ['no key', `[default]\naws_secret_access_key = ${SECRET}\n`],
  ['a key twice', file(ID, SECRET, `aws_access_key_id = ${ID}\n`)],
  ['a program to be run', file(ID, SECRET, `credential_process = /bin/cat ${SECRET}\n`)],
  ['a role to be taken', file(ID, SECRET, 'role_arn = arn:aws:iam::123456789012:role/canary\n')],
  ['a secret where the key should be', file(SECRET, SECRET)],
  ['a short secret', file(ID, SECRET.slice(0, 20))],
  ['a secret with a space', file(ID, `${SECRET.slice(0, 20)} ${SECRET.slice(20)}`)],
  ['a quoted secret', file(ID, `"${SECRET}"`)],
  ['a session token that is none', file(ID, SECRET, 'aws_session_token = x\n')],
  ['too much', `${file()}${' '.repeat(9_000)}`],
])('refuses %s, without a word of it', (_, text) => {
  const found = parseAwsCredentials(text);
  expect(found).toEqual({ problem: expect.any(String) });
  for (const word of [ID, SECRET, SECRET.slice(0, 20), TOKEN, 'canary', 'hoge'])
    expect(JSON.stringify(found)).not.toContain(word);
});

test('whatever the file holds, no part of a key can end a line of HTTP', () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom('[default]\n', 'aws_access_key_id=', 'aws_secret_access_key=', '\n', '\r', ID, SECRET),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const found = parseAwsCredentials(pieces.join(''));
      if (!('problem' in found)) for (const part of Object.values(found)) expect(part).toMatch(/^[A-Za-z0-9/+=]+$/);
    }),
  );
});
