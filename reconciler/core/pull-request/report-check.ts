// A report as the check that a merge can depend on, with every problem beside its line.
import { MARKDOWN_CHARS_MAX } from '../changes/markdown.ts';
import { plain, shownValue } from '../changes/shown-value.ts';
import type { Problem } from '../problem.ts';
import type { JudgedPullRequest, PullReport } from './report.ts';
import { reportAsMarkdown, reportTitle } from './report-markdown.ts';

/** The name that branch protection requires. */
export const CHECK_NAME = 'kokoa';
const ANNOTATIONS_MAX = 1000;
const TEXT_CHARS_MAX = 2_000;

export interface PullCheck {
  commit: string;
  name: string;
  outcome: 'success' | 'neutral' | 'failure';
  title: string;
  summary: string;
  annotations: PullAnnotation[];
}

interface PullAnnotation {
  path: string;
  startLine: number;
  endLine: number;
  startColumn: number;
  level: 'warning' | 'failure';
  title: string;
  message: string;
}

export function reportAsCheck(judged: JudgedPullRequest): PullCheck {
  const { commit, report } = judged;
  const title = checkTitle(report);
  // Where there are only commit statuses, the first line is all that is seen.
  const [, ...rest] = reportAsMarkdown(judged).split('\n');
  return {
    ...{ commit, name: CHECK_NAME, title, outcome: outcomeOf(report) },
    summary: `${title}\n${rest.join('\n')}`.slice(0, MARKDOWN_CHARS_MAX),
    annotations: problemsOf(report).slice(0, ANNOTATIONS_MAX).map(annotationOf),
  };
}

/** A merge that the guard would hold back must not look good. */
function outcomeOf(report: PullReport): PullCheck['outcome'] {
  if (report.kind === 'no_data') return 'success';
  if (report.kind === 'broken_base') return 'neutral';
  if (report.kind === 'planned') return report.changes.guard.kind === 'refused' ? 'failure' : 'success';
  return 'failure';
}

function checkTitle(report: PullReport): string {
  const refused = report.kind === 'planned' && report.changes.guard.kind === 'refused';
  const title = reportTitle(report).replace(/^Plan: /, '');
  return refused ? `the guard refuses this merge: ${title}` : title;
}

function problemsOf(report: PullReport): readonly Problem[] {
  if (report.kind === 'errors') return report.problems;
  return report.kind === 'planned' || report.kind === 'broken_base' ? report.warnings : [];
}

function annotationOf({ file, line, column, rule, severity, message, hint }: Problem): PullAnnotation {
  return {
    path: plain(file),
    ...{ startLine: line, endLine: line, startColumn: column },
    level: severity === 'error' ? 'failure' : 'warning',
    title: rule,
    message: `${shownValue(message, TEXT_CHARS_MAX)}\n${shownValue(hint, TEXT_CHARS_MAX)}`,
  };
}
