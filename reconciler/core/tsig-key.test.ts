// What operators put beside the reconciler for a zone: keys as their tools print them, addresses, and where both are found.
import fc from 'fast-check';
import { expect, it, test } from 'vitest';
import { readServer } from './dns-server.ts';
import { placeOf } from './secret-reference.ts';
import { parseTsigKey } from './tsig-key.ts';
import { zoneCredentialPlace } from './zone-credential.ts';

const SECRET = 'c2VjcmV0IG9mIHRoaXJ0eS10d28gYnl0ZXMgb3Igc28=';
const KEY = { name: 'kokoa', algorithm: 'hmac-sha256', secret: SECRET };
const bind = (secret = SECRET, algorithm = 'hmac-sha256', name = 'kokoa') =>
  `key "${name}" {\n\talgorithm ${algorithm};\n\tsecret "${secret}";\n};\n`;

it.each([
  ['tsig-keygen', bind()],
  ['keymgr', `# hmac-sha256:kokoa:${SECRET}\nkey:\n  - id: kokoa\n    algorithm: hmac-sha256\n    secret: ${SECRET}\n`],
  ['an older tool, on one line', `key kokoa { algorithm HMAC-SHA256; secret ${SECRET}; };`],
])('reads a key as %s prints it', (_, text) => {
  expect(parseTsigKey(text)).toEqual(KEY);
});

it.each([
  ['nothing', ''],
  ['a secret alone', SECRET],
  ['an algorithm that is broken', bind(SECRET, 'hmac-md5')],
  ['a secret that is too short', bind('c2hvcnQ=')],
  ['a line break in the secret', bind(`${SECRET}\nsend`)],
  ['a name with other characters', bind(SECRET, 'hmac-sha256', 'a\\b')],
  ['too much', `${bind()}${' '.repeat(5_000)}`],
])('refuses %s, without a word of it', (_, text) => {
  const found = parseTsigKey(text);
  expect(found).toEqual({ problem: expect.any(String) });
  expect(JSON.stringify(found)).not.toContain(SECRET);
});

test('whatever the file holds, no part of a key can end a line of nsupdate or begin another word', () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom('key "', '" {', 'algorithm hmac-sha256;', 'secret "', '";', '\n', SECRET),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const found = parseTsigKey(pieces.join(''));
      if (!('problem' in found)) for (const part of Object.values(found)) expect(part).toMatch(/^[A-Za-z0-9+/=._-]+$/);
    }),
  );
});

it.each([
  ['203.0.113.53', { address: '203.0.113.53', port: 53 }],
  ['203.0.113.53:5353', { address: '203.0.113.53', port: 5353 }],
  ['[2001:db8::53]', { address: '2001:db8::53', port: 53 }],
  ['[2001:db8::53]:5353', { address: '2001:db8::53', port: 5353 }],
  ['203.0.113.256', undefined],
  ['203.0.113', undefined],
  ['203.0.113.53:0', undefined],
  ['203.0.113.53:65536', undefined],
  ['[2001:db8:::53]', undefined],
  ['ns.hoge.com', undefined],
])('reads the server %s', (text, expected) => {
  expect(readServer(text)).toEqual(expected);
});

test('no team can name what operators keep for zones', () => {
  expect(zoneCredentialPlace({ file: 'x' })).toEqual({ kind: 'file', team: '_zones', name: 'x' });
  expect(zoneCredentialPlace({ credential: 'x' })).toEqual({ kind: 'credential', name: '_zones.x' });
  expect(placeOf('_zones', { file: 'x' })).toMatchObject({ kind: 'nowhere' });
  for (const name of ['../x', 'a/b', '.x', '', 'X']) expect(zoneCredentialPlace({ file: name })).toBeUndefined();
});
