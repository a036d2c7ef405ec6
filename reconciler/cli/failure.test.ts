// What somebody reads at a terminal of 80 columns when a command fails.
import { expect, test } from 'vitest';
import { KokoaError } from '../../bundle/error.ts';
import { shownFailure } from './failure.ts';

test('a long message and its hint are wrapped, a command to paste is not', () => {
  const command = `git restore --source=${'a'.repeat(40)} --staged --worktree -- routes`;
  const error = new KokoaError('usage', 'found the host "https://blog.hoge.com", expected a bare name without scheme', {
    hint: `By hand, as whoever may push to the branch of the repository, it is this:\n  ${command}`,
  });
  expect(shownFailure(error)).toBe(
    [
      'error: found the host "https://blog.hoge.com", expected a bare name without',
      '  scheme (usage)',
      '  By hand, as whoever may push to the branch of the repository, it is this:',
      `    ${command}`,
    ].join('\n'),
  );
});

test('what is no failure of ours is one sentence, and no character of it acts on the terminal', () => {
  expect(shownFailure(new Error('odd \u001b[31m'))).toBe('error: odd \\u{1b}[31m');
});
