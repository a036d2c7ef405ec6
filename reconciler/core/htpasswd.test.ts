// Lines of NAME:HASH: what passes, what is refused and why, and that no word repeats a secret.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkUsers, USERS_BYTES_MAX, USERS_MAX } from './htpasswd.ts';

const APR1 = '$apr1$itvs33EV$nz03puzIXh79D0ZXL06kC.';
const SALTED = 'RrcMfSFu36OtvsAgt2R.W.pYfAwiGNPaCAJka.o8LrJaVbQFX6w2.';
const SHA256 = 'eLlGDRRp0Ru9mPmgmlr4LXrFitzWX28EZT5eMNr5fN6';
const SHA512 = 'bp46WUxDu2cphMRE0PvVJlqas2imuSq186YS793XKfmqn9XUEL17HECskUTZInaNigNndLLYc7A6yWBmFEFn3/';
const SSHA = '{SSHA}VQysdTiIXUBoDr2TzYj0h8JUBdQxMjM0NTY3OA==';

/** Each was verified by Debian's nginx; agent/adapters/users-serving.test.ts does it again. */
const ACCEPTED = [
  APR1,
  ...['2a', '2b', '2y'].map((kind) => `$${kind}$05$${SALTED}`),
  ...['04', '08'].map((cost) => `$2y$${cost}$${SALTED}`),
  `$5$abcdefgh$${SHA256}`,
  `$6$abcdefgh$${SHA512}`,
  `$6$rounds=1000$abcdefgh$${SHA512}`,
  `$5$rounds=5000$abcdefgh$${SHA256}`,
  SSHA,
];

it.each(ACCEPTED)('takes %s', (hash) => {
  expect(checkUsers(`alice:${hash}\n`)).toEqual({ ok: true, text: `alice:${hash}\n`, names: ['alice'] });
});

it.each<[string, RegExp]>([
  [`$2y$09$${SALTED}`, /bcrypt with cost 9, expected at most 8: nginx checks every request/],
  [`$2y$31$${SALTED}`, /cost 31/],
  [`$2y$03$${SALTED}`, /cut or damaged/],
  [`$2x$05$${SALTED}`, /no hash that is accepted/],
  [`$2y$05$${SALTED.slice(1)}`, /cut or damaged/],
  [`$6$rounds=999$abcdefgh$${SHA512}`, /999 rounds, expected 1000 to 5000/],
  [`$6$rounds=999999999$abcdefgh$${SHA512}`, /999999999 rounds/],
  [`$6$abcdefgh$${SHA256}`, /cut or damaged/],
  [`$5$abcdefgh$${SHA512}`, /cut or damaged/],
  ['$y$j9T$abcdefghijklmnop0123./$DqqOtRg3BLRtt.atYyy3MSdoj61GlU5Iw2LPIXnDTn7', /too long \(yescrypt/],
  ['$7$CU..../....abcdefghijklmnop$wOaHrgxgyKv4FQ2e7tZJ6BboaneHJOB6e0NHrTk0', /too long/],
  ['{PLAIN}correct horse', /not protected/],
  ['{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=', /not protected/],
  ['{SSHA}QUJD', /\{SSHA\} hash that is cut/],
  ['abhfCpXqd4GrI', /DES crypt/],
  [`$1$bUVQH.AN$VA9Do5r/Phfv1jY6UBt0W/`, /no hash that is accepted/],
  ['', /no hash that is accepted/],
  [`${APR1}:comment`, /cut or damaged/],
  [`${APR1} x`, /cut or damaged/],
])('refuses the hash %j', (hash, words) => {
  const checked = checkUsers(`# comment\nalice:${hash}\n`);
  expect(checked).toEqual({ ok: false, reason: expect.stringMatching(words) });
  expect(checked).toMatchObject({ reason: expect.stringMatching(/^line 2: /) });
});

it.each(['', ' alice', 'alice ', '#alice', 'a\tb', 'a\u0000b', 'ä', 'a"b', 'a\\b', 'a'.repeat(65)])(
  'refuses the name %j',
  (name) => {
    expect(checkUsers(`bob:${APR1}\n${name}:${APR1}\nx`).ok).toBe(false);
  },
);

it.each(['alice', 'Jane Doe', 'jane.doe+x@hoge.com', '_', 'a'.repeat(64)])('takes the name %j', (name) => {
  expect(checkUsers(`${name}:${APR1}`)).toMatchObject({ ok: true, names: [name] });
});

describe('a list', () => {
  it('becomes one text whatever its order, line ends, comments and empty lines', () => {
    const text = `alice:${APR1}\nbob:${APR1}\n`;
    for (const other of [`bob:${APR1}\r\n\r\n# x\nalice:${APR1}`, `\n${text}  \n`, text])
      expect(checkUsers(other)).toMatchObject({ ok: true, text });
  });

  it.each<[string, string, RegExp]>([
    ['nothing', '\n# nobody\n', /found no line/],
    ['a line without colon', `alice:${APR1}\nbob`, /^line 2: found no colon/],
    ['a name twice', `bob:${APR1}\nbob:${SSHA}`, /^line 2: .*second time/],
    ['too many', Array.from({ length: USERS_MAX + 1 }, (_, n) => `${n}:${APR1}`).join('\n'), /more than 100 names/],
    [
      'too much',
      Array.from({ length: 99 }, (_, n) => `${n}:${SSHA}`).join('\n'),
      /bytes, expected at most 4000: split/,
    ],
    ['an endless file', 'x'.repeat(100_000), /more than 65536 bytes/],
  ])('is refused for %s', (_, text, words) => {
    expect(checkUsers(text)).toEqual({ ok: false, reason: expect.stringMatching(words) });
  });
});

const anyLine = fc.tuple(
  fc.constantFrom('alice', 'bob', 'x y', ' bad', '#', ''),
  fc.constantFrom(...ACCEPTED, 'SECRET', '$2y$05$SECRET', '{PLAIN}SECRET'),
);

it('answers a canonical text that is its own canonical text, or a reason without a secret', () => {
  const anyText = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(anyLine.map((line) => line.join(':'))).map((all) => all.join('\n')),
  );
  fc.assert(
    fc.property(anyText, (text) => {
      const checked = checkUsers(text);
      if (!checked.ok) {
        expect(checked.reason).not.toContain('SECRET');
        return;
      }
      expect(checkUsers(checked.text)).toEqual(checked);
      expect(checked.text).toMatch(/^([A-Za-z0-9._@+ -]+:[!-~]+\n)+$/);
      expect(checked.text.length).toBeLessThanOrEqual(USERS_BYTES_MAX);
    }),
  );
});
