import { expect, it } from 'vitest';
import { programWords } from './program-words.ts';

it.each([
  ['a line break and colours', 'first\n\x1b[31mlast\x1b[0m\r\n', 'first [31mlast [0m'],
  ['letters beyond ASCII', 'Zone fehlt: hög\u202e.com', 'Zone fehlt: h g .com'],
  ['nothing', '\n \t', ''],
])('%s is one line of printable ASCII', (_, said, shown) => {
  expect(programWords(said)).toBe(shown);
});

it('the last of a long text is shown', () => {
  const shown = programWords(`${'x'.repeat(1_000_000)} quota used up`);
  expect(shown).toHaveLength(300);
  expect(shown).toMatch(/ quota used up$/);
});

it.each([
  ['the text itself', 's3cr3t-t0ken', 'bad token s3cr3t-t0ken!'],
  ['one of its lines', 'user bob\ns3cr3t-t0ken\n', 'bad token s3cr3t-t0ken!'],
  ['a value of JSON', '{"user":"bob","token":"s3cr3t-t0ken"}', 'bad token s3cr3t-t0ken!'],
  ['a value of a setting', 'TOKEN=s3cr3t-t0ken', 'curl https://x.example/?token=s3cr3t-t0ken: 403'],
  ['a piece that begins like another', 's3cr3t s3cr3t-t0ken', 'bad token s3cr3t-t0ken!'],
  ['a long way before the end', 's3cr3t-t0ken', `${'s3cr3t-t0ken '.repeat(20_000)}`],
])('%s of the credentials is not shown', (_, credentials, said) => {
  const shown = programWords(said, credentials);
  expect(shown).toContain('[credentials]');
  expect(shown).not.toMatch(/t0ken/);
});
