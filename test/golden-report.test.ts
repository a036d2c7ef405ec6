// Golden comments of pull requests that cannot be planned, or have more to say than the plan. BLESS=1 writes what was found; review the diff.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readDataDir } from '../reconciler/adapters/data-dir.ts';
import { judgeData } from '../reconciler/cli/judgement.ts';
import { plannedOf } from '../reconciler/cli/plan.ts';
import { fileLoader } from '../reconciler/cli/plan-sides.ts';
import type { Problem } from '../reconciler/core/problem.ts';
import type { PullReport } from '../reconciler/core/pull-request/report.ts';
import { reportAsCheck } from '../reconciler/core/pull-request/report-check.ts';
import { reportAsMarkdown } from '../reconciler/core/pull-request/report-markdown.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const ABOUT = {
  number: 7,
  commit: 'c0ffee0d1c9eab95d3d5b9c23b56eff9b0302531',
  base: '6b1f0c2d3e4f5061728394a5b6c7d8e9fa0b1c2d',
  branch: 'main',
};
const PLANS = join(import.meta.dirname, 'golden-plan');

const problem = (change: Partial<Problem> = {}): Problem => ({
  ...{ file: 'routes/hoge/blog.hoge.com.yaml', line: 3, column: 1, rule: 'KK112', severity: 'error' },
  message: 'found the property "prot", expected one of hostname, origin, port, host, backends and 18 more',
  hint: 'did you mean port?',
  ...change,
});
const unknownOrigin = problem({
  ...{ file: 'routes/hoge/wiki.hoge.com.yaml', line: 2, column: 9, rule: 'KK304' },
  message: 'found the origin hme, expected one of home, office',
  hint: 'did you mean home?',
});
const expired = problem({
  ...{ rule: 'KK355', severity: 'warning', line: 4, column: 12 },
  message: 'found 2026-01-01T00:00:00Z, which is past: the hostname answers 404, expected a moment to come',
  hint: 'write a later moment, or delete the line to serve it again; if it is over, delete the file',
});
const hostile = problem({
  file: 'routes/hoge/`@everyone`\u202e.yaml',
  message: 'found "```</details><img src=x> [x](http://evil) #1 \u001b[31m", expected a name',
  hint: 'say `` it `` plainly\nwithout more',
});
const LINES: Record<number, string> = { 2: 'origin: hme', 3: 'prot: 9000', 4: 'expiresAt: 2026-01-01T00:00:00Z' };
const lineOf = ({ line }: Problem) => LINES[line];

async function planned(more: Partial<Extract<PullReport, { kind: 'planned' }>>): Promise<PullReport> {
  const load = fileLoader();
  const side = (of: string) => judgeData(readDataDir(join(PLANS, '001-everyday', of)), NOW, load);
  const sides = { before: side('before'), after: side('after') };
  const plan = await plannedOf({ base: ABOUT.base, ...sides, from: 'main', notes: [], now: NOW });
  if (plan.kind === 'errors') throw new Error('the golden plan has errors');
  return { kind: 'planned', changes: plan.changes, warnings: [], lineOf, ...more };
}

const NEEDED = [
  {
    file: 'kokoa.yaml',
    place: 'below teams:',
    approvers:
      'the operators (owners of kokoa.yaml in CODEOWNERS) and @octo-org/hoge (*.hoge.com is granted to team hoge)',
    lines: "  - name: piyo\n    hostnames:\n      - piyo.hoge.com\n    owners:\n      - '@octo-org/piyo'\n",
  },
  {
    file: 'origins/home.yaml',
    place: 'in place of its teams:',
    approvers: '@octo-org/hoge and the operators (owners of kokoa.yaml in CODEOWNERS)',
    lines: 'teams:\n  - hoge\n  - piyo\n',
  },
];
const REPORTS: Record<string, () => PullReport | Promise<PullReport>> = {
  'two-mistakes': () => ({ kind: 'errors', problems: [problem(), unknownOrigin], linesNeeded: [], lineOf }),
  'a-first-pull-request': () => ({
    kind: 'errors',
    problems: [
      problem({
        ...{ file: 'routes/piyo/piyo.hoge.com.yaml', line: 1, column: 1, rule: 'KK363' },
        message: 'found the team piyo, which kokoa.yaml has in this change only, expected one of the base',
        hint: 'merge in kokoa.yaml first, approved by the operators (owners of kokoa.yaml in CODEOWNERS)',
      }),
    ],
    linesNeeded: NEEDED,
    lineOf,
  }),
  'hostile-words': () => ({
    kind: 'errors',
    problems: [hostile, expired],
    linesNeeded: [...NEEDED, { ...NEEDED[1]!, approvers: '`@everyone` <img src=x> evil\n## #1' }],
    lineOf,
  }),
  'many-problems': () => ({
    kind: 'errors',
    problems: Array.from({ length: 2000 }, (_, n) => problem({ line: n + 1 })),
    linesNeeded: Array.from({ length: 300 }, (_, n) => ({ ...NEEDED[1]!, file: `origins/o${n}.yaml` })),
    lineOf,
  }),
  conflict: () => ({ kind: 'conflict', files: ['kokoa.yaml', 'routes/hoge/app.hoge.com.yaml'] }),
  'broken-base': () => ({ kind: 'broken_base', files: ['edges/tokyo-1.yaml'], warnings: [expired], lineOf }),
  'too-large': () => ({
    kind: 'unreadable',
    message: 'it changes more than 6000 files of the data',
    hint: 'Leave out what is no data of the fleet, or split the change.',
  }),
  'no-data': () => ({ kind: 'no_data' }),
  'planned-with-warnings': () => planned({ warnings: [expired] }),
  'planned-while-held': () => planned({ held: 'kokoa.yaml:3:1: found the property "acem", expected one of acme' }),
};

describe('the comment on a pull request', () => {
  it.each(Object.keys(REPORTS))('%s says exactly what was blessed', async (name) => {
    const file = join(import.meta.dirname, 'golden-report', `${name}.md`);
    const printed = reportAsMarkdown({ ...ABOUT, report: await REPORTS[name]!() });
    if (process.env.BLESS === '1') writeFileSync(file, printed);
    expect(printed).toBe(readFileSync(file, 'utf8'));
    expect(printed.length).toBeLessThanOrEqual(60_000);
    expect(printed).not.toMatch(/undefined|\[object|[\u0000-\u0009\u000b-\u001f\u202e]/);
  });

  it('never lets a word of the data out of its code span', async () => {
    const printed = reportAsMarkdown({ ...ABOUT, report: await REPORTS['hostile-words']!() });
    // CommonMark 6.1: a run of backticks closes the run of the same length; what is left outside is ours.
    const outside = printed.replace(/```yaml[\s\S]*?\n```/g, '').replace(/(?<!`)(`+)(?!`)[\s\S]*?(?<!`)\1(?!`)/g, '');
    expect(outside).not.toMatch(/everyone|img|evil|#1|details/);
  });
});

describe('the check on a pull request', () => {
  it.each([
    ['two-mistakes', 'failure', 'not possible, 2 problems in 2 files', 2],
    ['conflict', 'failure', 'not possible, 2 files changed on the branch too', 0],
    ['broken-base', 'neutral', 'not possible, the branch itself has errors', 1],
    ['no-data', 'success', 'nothing of the fleet changes', 0],
    ['planned-with-warnings', 'success', /host/, 1],
  ] as const)('%s: %s, %s, %i annotations', async (name, outcome, title, annotations) => {
    const check = reportAsCheck({ ...ABOUT, report: await REPORTS[name]!() });
    expect(check).toMatchObject({ name: 'kokoa', commit: ABOUT.commit, outcome, title: expect.stringMatching(title) });
    expect(check.annotations).toHaveLength(annotations);
    // A commit status shows this line alone.
    expect(check.summary.split('\n')[0]).toBe(check.title);
  });

  it('has at most the annotations that the port takes', async () => {
    const check = reportAsCheck({ ...ABOUT, report: await REPORTS['many-problems']!() });
    expect(check.annotations).toHaveLength(1000);
  });
});
