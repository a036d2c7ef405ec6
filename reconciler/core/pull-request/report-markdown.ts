// A report as the comment that people read, on a phone too. Law: whatever comes from the data stands in code spans or in blocks that it
// cannot end; at most COMMENT_CHARS_MAX; and the same report is the same text, so that nothing is posted when nothing changed.
import { documentOf } from '../changes/document.ts';
import type { Line } from '../changes/document-shape.ts';
import { codeSpan, sectionAsMarkdown, smallAsMarkdown, titleAsMarkdown } from '../changes/markdown.ts';
import { plain, shownValue } from '../changes/shown-value.ts';
import { count } from '../changes/words.ts';
import { hidesMore, MORE_TO_FOLLOW } from '../more-to-follow.ts';
import type { NeededLines } from '../ownership-lines.ts';
import type { Problem } from '../problem.ts';
import type { JudgedPullRequest, LineOf, PullReport } from './report.ts';

/** GitHub takes 65 536; the rest is room for the marker. */
const COMMENT_CHARS_MAX = 60_000;
const PROBLEMS_CHARS_MAX = 40_000;
const WARNINGS_CHARS_MAX = 8_000;
const PASTE_CHARS_MAX = 8_000;
const FILES_MAX = 20;
const LINE_CHARS_MAX = 120;
/** Room for the lines that say what is left out. */
const REST_CHARS = 200;
const TEXT_CHARS_MAX = 1_000;
const COMMIT_CHARS = 12;

/** The whole comment; ends with a newline. */
export function reportAsMarkdown(judged: JudgedPullRequest): string {
  const { report } = judged;
  const parts =
    report.kind === 'planned'
      ? planned(report, judged)
      : [`### ${reportTitle(report)}`, ...bodyOf(report, judged), smallAsMarkdown(closing(judged))];
  return `${parts.map((part) => part.trimEnd()).join('\n\n')}\n`;
}

/** One line, our own words and numbers. */
export function reportTitle(report: PullReport): string {
  switch (report.kind) {
    case 'no_data':
      return 'Plan: nothing of the fleet changes';
    case 'unreadable':
      return 'Plan: not possible, the pull request cannot be read';
    case 'conflict':
      return `Plan: not possible, ${count(report.files.length, 'file')} changed on the branch too`;
    case 'errors': {
      const errors = report.problems.filter(({ severity }) => severity === 'error');
      const files = new Set(errors.map(({ file }) => file)).size;
      return `Plan: not possible, ${count(errors.length, 'problem')} in ${count(files, 'file')}`;
    }
    case 'broken_base':
      return 'Plan: not possible, the branch itself has errors';
    case 'planned':
      return `Plan: ${documentOf(report.changes).title}`;
  }
}

type Planned = Extract<PullReport, { kind: 'planned' }>;

/** What holds everything back stands before what is held back, and everything that matters before the small print. */
function planned({ changes, warnings, lineOf, held }: Planned, judged: JudgedPullRequest): string[] {
  const plan = documentOf(changes);
  const refused = changes.guard.kind === 'refused' ? 'the guard refuses this merge: ' : '';
  const head = [titleAsMarkdown(`${refused}${plan.title}`), ...(held === undefined ? [] : [holdText(held)])];
  const small = smallAsMarkdown([...plan.closing, ...closing(judged)]);
  const room = COMMENT_CHARS_MAX - charsOf([...head, small]) - REST_CHARS;
  const sections = within(plan.sections.map(sectionAsMarkdown), room);
  const warned = warningsText(warnings, lineOf);
  const fits = warned.length === 0 || charsOf([...sections, ...warned]) <= room;
  return [...head, ...sections, ...(fits ? warned : [`${count(warnings.length, 'warning')}: see the check.`]), small];
}

/** The last ones matter least. */
function within(sections: readonly string[], room: number): readonly string[] {
  if (charsOf(sections) <= room) return sections;
  const kept = [...sections];
  while (charsOf(kept) > room) kept.pop();
  return [...kept, `The rest does not fit into a comment: ${codeSpan('kokoa plan')} prints it.`];
}

function charsOf(parts: readonly string[]): number {
  return parts.reduce((sum, { length }) => sum + length + 2, 0);
}

function holdText(held: string): string {
  return `> [!WARNING]\n> The newest commit of the branch is held back: ${value(held, TEXT_CHARS_MAX)}. What is published is older; until that is mended nothing of this goes live either.`;
}

function bodyOf(report: Exclude<PullReport, Planned>, { branch }: JudgedPullRequest): string[] {
  switch (report.kind) {
    case 'no_data':
      return ['No hostname, machine or setting is touched.'];
    case 'unreadable':
      return [value(report.message, TEXT_CHARS_MAX), value(report.hint, TEXT_CHARS_MAX)];
    case 'conflict':
      return [
        `${codeSpan(branch)} has other versions of these files by now. Bring the pull request up to date (merge ${codeSpan(branch)} into it, or rebase); then it is planned again.`,
        fileList(report.files),
      ];
    case 'errors':
      return errorsText(report);
    case 'broken_base':
      return [
        `This pull request is good by itself. But ${codeSpan(branch)} has errors in files that decide for all, and until they are mended nothing new is published:`,
        fileList(report.files),
        ...warningsText(report.warnings, report.lineOf),
      ];
  }
}

function errorsText({ problems, linesNeeded, lineOf }: Extract<PullReport, { kind: 'errors' }>): string[] {
  const errors = problems.filter(({ severity }) => severity === 'error');
  const warnings = problems.filter(({ severity }) => severity === 'warning');
  return [
    `What is wrong here will not go live. Mend it before the merge.${hidesMore(errors) ? ` ${MORE_TO_FOLLOW}` : ''}`,
    listed(errors, lineOf, PROBLEMS_CHARS_MAX),
    ...pasteText(linesNeeded),
    ...warningsText(warnings, lineOf),
  ];
}

/** All of it or none: half of an entry would be pasted too. */
function pasteText(needed: readonly NeededLines[]): string[] {
  const parts = needed.flatMap(({ file, place, approvers, lines }) => [
    `${codeSpan(plain(file))} needs this ${place.replace('teams:', codeSpan('teams:'))}, in a change of its own that is approved by ${value(approvers, TEXT_CHARS_MAX)}:`,
    `\`\`\`yaml\n${plainLines(lines).trimEnd()}\n\`\`\``,
  ]);
  if (charsOf(parts) <= PASTE_CHARS_MAX) return parts;
  const files = new Set(needed.map(({ file }) => file)).size;
  return [
    `Before it, ${count(files, 'other file')} must have more lines than fit here: ${codeSpan('kokoa validate --base')} prints them.`,
  ];
}

function warningsText(warnings: readonly Problem[], lineOf: LineOf): string[] {
  if (warnings.length === 0) return [];
  return [`**${count(warnings.length, 'warning')}**`, listed(warnings, lineOf, WARNINGS_CHARS_MAX)];
}

/** As many as fit, and how many do not. */
function listed(problems: readonly Problem[], lineOf: LineOf, charsMax: number): string {
  const rows: string[] = [];
  let length = 0;
  for (const problem of problems) {
    const row = problemText(problem, lineOf(problem));
    if (length + row.length > charsMax) break;
    rows.push(row);
    length += row.length + 1;
  }
  const rest = problems.length - rows.length;
  return [...rows, ...(rest > 0 ? [`- … and ${rest} more`] : [])].join('\n');
}

function problemText(problem: Problem, line: string | undefined): string {
  const { file, line: row, column, rule, message, hint } = problem;
  const source = line === undefined || line.trim() === '' ? [] : [value(`${row} | ${line.trimEnd()}`, LINE_CHARS_MAX)];
  const place = codeSpan(`${plain(file)}:${row}:${column}`);
  return [`- ${place} **${rule}**`, value(message, TEXT_CHARS_MAX), ...source, `→ ${value(hint, TEXT_CHARS_MAX)}`].join(
    '<br>',
  );
}

function value(text: string, charsMax: number): string {
  return codeSpan(shownValue(text, charsMax));
}

function fileList(files: readonly string[]): string {
  const rest = files.length - FILES_MAX;
  const rows = files.slice(0, FILES_MAX).map((file) => `- ${codeSpan(plain(file))}`);
  return [...rows, ...(rest > 0 ? [`- … and ${rest} more`] : [])].join('\n');
}

/** Of our own making, but names of the data are in it. */
function plainLines(yaml: string): string {
  return yaml
    .split('\n')
    .map((line) => plain(line).replaceAll('`', "'"))
    .join('\n');
}

function closing({ commit, base, branch, report }: JudgedPullRequest): Line[] {
  const short = (id: string) => ({ value: id.slice(0, COMMIT_CHARS) });
  const edits = '; a push edits this comment';
  // A plan says itself what it is compared with.
  const at: Line = report.kind === 'planned' ? [] : [' at ', short(base)];
  const explain: Line[] = [[{ value: 'kokoa explain KKnnn' }, ' says what a rule is for']];
  return [
    [short(commit), ' on top of ', { value: branch }, ...at, edits],
    ...(report.kind === 'errors' ? explain : []),
  ];
}
