// Law: a comment fits, whatever is proposed.
import { expect, it } from 'vitest';
import type { Problem } from '../problem.ts';
import { reportAsMarkdown } from './report-markdown.ts';

it('lines to paste for ten thousand teams are not pasted, and the comment says who prints them', () => {
  const problem: Problem = {
    ...{ file: 'routes/x/y.yaml', line: 1, column: 1, rule: 'KK301', severity: 'error' },
    ...{ message: 'found the team x, expected one of hoge', hint: 'add the team to kokoa.yaml' },
  };
  const lines = Array.from({ length: 10_000 }, (_, n) => `  - name: team-${n}\n`).join('');
  const linesNeeded = [{ file: 'kokoa.yaml', place: 'below teams:', approvers: 'the operators', lines }];
  const text = reportAsMarkdown({
    ...{ number: 1, commit: 'c'.repeat(40), base: 'b'.repeat(40), branch: 'main' },
    report: { kind: 'errors', problems: [problem], linesNeeded, lineOf: () => undefined },
  });
  expect(text.length).toBeLessThan(60_000);
  expect(text).toContain('`kokoa validate --base` prints them');
});
