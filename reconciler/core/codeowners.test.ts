// CODEOWNERS from kokoa.yaml: one block of ours, all other lines as they were, and no name that says more than a name.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isCodeOwner } from './code-owner.ts';
import { BLOCK_BEGIN, BLOCK_END, type CodeownersQuestion, codeowners } from './codeowners.ts';

const TEAMS = [
  { name: 'hoge', owners: ['@octo-org/hoge', '@ann'] },
  { name: 'fuga', owners: ['@octo-org/fuga'] },
  { name: 'new' },
];
const question = (change: Partial<CodeownersQuestion> = {}): CodeownersQuestion => ({
  before: undefined,
  folder: '',
  teams: TEAMS,
  operators: [],
  ...change,
});

function text(change: Partial<CodeownersQuestion>): string {
  const found = codeowners(question(change));
  if (found.kind === 'refused') throw new Error(found.message);
  return found.text;
}

const BLOCK = `# kokoa:begin: written by \`kokoa codeowners\` from kokoa.yaml; the last line that matches a file counts
/.github/     @octo-org/ops
/kokoa.yaml   @octo-org/ops
/edges/       @octo-org/ops
/origins/     @octo-org/ops
/routes/      @octo-org/ops
/routes/fuga/ @octo-org/fuga
/routes/hoge/ @octo-org/hoge @ann
# kokoa:end
`;

test('a new file names the operators, then a folder for each team that has owners', () => {
  expect(text({ operators: ['@octo-org/ops'] })).toBe(
    `# Who approves what. What no line below names is for the operators.\n* @octo-org/ops\n\n${BLOCK}`,
  );
});

test('the operators are those of the line *, and the block goes to the end, where it wins', () => {
  const before = '# ours\n* @octo-org/ops  # all of them\n/docs/ @writers';
  expect(text({ before })).toBe(`${before}\n\n${BLOCK}`);
});

test('only the block changes, and what stands around it stays byte for byte', () => {
  const before = `\t# odd\r\n* @octo-org/ops\n\n${BLOCK.replace('@octo-org/fuga', '@gone')}/docs/ @writers \n\n`;
  expect(text({ before })).toBe(before.replace('@gone', '@octo-org/fuga'));
});

test('without a line * the block remembers the operators', () => {
  const first = text({ before: '/docs/ @writers\n', operators: ['@octo-org/ops', 'ops@hoge.com'] });
  expect(first).toContain('/kokoa.yaml   @octo-org/ops ops@hoge.com\n');
  expect(text({ before: first })).toBe(first);
});

test('where the data is a folder of the repository its patterns begin there, and .github stays at the top', () => {
  const found = text({ folder: 'fleet/data/', operators: ['@ops'] });
  expect(found).toContain('\n/.github/                @ops\n/fleet/data/kokoa.yaml   @ops\n');
  expect(found).toContain('\n/fleet/data/routes/hoge/ @octo-org/hoge @ann\n');
});

test.each<[string, Partial<CodeownersQuestion>, RegExp]>([
  ['nobody says who the operators are', { before: '/docs/ @writers\n' }, /who the operators are/],
  ['a line * without owners says nothing', { before: '*\n' }, /who the operators are/],
  ['the option and the line * disagree', { before: '* @a\n', operators: ['@b'] }, /the line \* names/],
  ['a block has no end', { before: `* @a\n${BLOCK_BEGIN}\n` }, /not one pair/],
  ['a block ends before it begins', { before: `* @a\n${BLOCK_END}\n${BLOCK_BEGIN}\n` }, /not one pair/],
  ['there are two blocks', { before: `* @a\n${BLOCK}${BLOCK}` }, /not one pair/],
  ['an operator is no owner', { operators: ['ops'] }, /found the owner "ops"/],
  ['the line * names no owner', { before: '* everybody\n' }, /found the owner "everybody"/],
  ['an owner of a team is none', { operators: ['@a'], teams: [{ name: 'x', owners: ['@-'] }] }, /the owner "@-"/],
  ['a folder has a space', { operators: ['@a'], folder: 'my data/' }, /cannot stand/],
  ['a folder is a pattern', { operators: ['@a'], folder: '*/' }, /cannot stand/],
  [
    'it would be larger than GitHub reads',
    {
      operators: ['@a'],
      teams: Array.from({ length: 1000 }, (_, at) => ({
        name: `t${at}`,
        owners: Array(50).fill(`@o/${'x'.repeat(90)}`),
      })),
    },
    /of at most/,
  ],
])('refused: %s', (_, change, message) => {
  expect(codeowners(question(change))).toMatchObject({ kind: 'refused', message: expect.stringMatching(message) });
});

test.each([
  ['@ann', true],
  ['@octo-org/hoge', true],
  ['@octo-org/hoge.team_2', true],
  ['@ann_corp', true],
  ['ann@example.com', true],
  ['ann', false],
  ['@', false],
  ['@-ann', false],
  ['@ann ', false],
  ['@ann @bob', false],
  ['@ann#', false],
  ['@ann\n* @bob', false],
  ['@a/b/c', false],
  ['@a/', false],
  ['!@ann', false],
  ['ann@localhost', false],
  [`@${'a'.repeat(40)}`, false],
])('%j is an owner: %s', (owner, expected) => {
  expect(isCodeOwner(owner)).toBe(expected);
});

test('doing it twice changes nothing, whatever stood there, and every other line stays', () => {
  const line = fc.oneof(
    fc.constantFrom('* @ops', '# note', '', '/docs/ @writers', BLOCK.trimEnd(), '\r', '/x \\# @y'),
    fc.string({ unit: 'binary' }),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
      const before = lines.join('\n');
      const found = codeowners(question({ before }));
      if (found.kind === 'refused') return;
      expect(codeowners(question({ before: found.text }))).toEqual(found);
      const outside = (whole: string) => whole.replace(/^# kokoa:begin[\s\S]*?^# kokoa:end.*$\n?/m, '').trimEnd();
      expect(outside(found.text)).toBe(outside(before));
    }),
  );
});
