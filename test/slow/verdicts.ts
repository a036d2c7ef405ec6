// What became of each directive, kept in a file of JSON lines as it comes, so that a sweep can go on where it was interrupted.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import type { Directive } from './template-directives.ts';

export interface Verdict {
  directive: Directive;
  /** `unclear`: a run of tests ended without a verdict. */
  outcome: 'noticed' | 'survived' | 'unclear';
  /** Test file, test and message; '' for a survivor. */
  by: string;
}

/** One line of the file. */
interface Row {
  template: string;
  line: number;
  directive: string;
  survived: boolean;
  noticedBy?: string;
}

export interface VerdictFile {
  add(verdict: Verdict): void;
}

/** @throws EEXIST when the file is there: it may be resumed, not overwritten */
export function newVerdictFile(path: string): VerdictFile {
  writeFileSync(path, '', { flag: 'wx' });
  return verdictFile(path);
}

export function verdictFile(path: string): VerdictFile {
  return {
    add({ directive: { template, line, text }, outcome, by }) {
      if (outcome === 'unclear') return;
      const survived = outcome === 'survived';
      const row: Row = { template, line, directive: text, survived, ...(!survived && { noticedBy: by }) };
      appendFileSync(path, `${JSON.stringify(row)}\n`);
    },
  };
}

/** The verdicts on those of `directives` that still stand on the line where they stood. */
export function readVerdicts(path: string, directives: readonly Directive[]): Verdict[] {
  const rows = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  return rows.flatMap((text) => {
    const row = JSON.parse(text) as Row;
    const directive = directives.find(
      (one) => one.template === row.template && one.line === row.line && one.text === row.directive,
    );
    if (directive === undefined) return [];
    return [{ directive, outcome: row.survived ? 'survived' : 'noticed', by: row.noticedBy ?? '' } as const];
  });
}
