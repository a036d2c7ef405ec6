// A rollback as values: which files come back, and what is said of it. Law: only the data comes back, byte for byte as it was, and the same
// two commits give the same proposal.
import { codeSpan } from './changes/markdown.ts';
import type { FileChange } from './files.ts';

export interface Rollback {
  /** Full id of the commit whose data is on the branch now. */
  from: string;
  /** Full id of the commit whose data comes back. */
  to: string;
  /** What is undone; undefined: everything since `to`. */
  undone: { id: string; subject: string; isMerge: boolean } | undefined;
  /** Where the branch is, as a clone names it, such as `origin/main`. */
  branch: string;
}

export interface FileBack {
  path: string;
  /** Null: it was not there. */
  text: string | null;
}

const SHORT = 10;
const SUBJECT_CHARS_MAX = 80;

/** Sorted by path; `folder` (with a slash at its end, or empty) goes in front. Undefined in the place of a text: it is none. */
export function filesBack(
  from: readonly FileChange[],
  to: readonly FileChange[],
  folder: string,
): (Omit<FileBack, 'text'> & { text: string | null | undefined })[] {
  const now = new Map(from.map(({ path, blob }) => [path, blob]));
  const then = new Set(to.map(({ path }) => path));
  const changed = to.filter(({ path, blob }) => now.get(path) !== blob);
  const gone = from.filter(({ path }) => !then.has(path));
  return [
    ...changed.map(({ path, bytes }) => ({ path: folder + path, text: textOf(bytes) })),
    ...gone.map(({ path }) => ({ path: folder + path, text: null })),
  ].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** For the pull request; `plan` is Markdown. */
export function rollbackText(
  rollback: Rollback,
  plan: string,
): { key: string; title: string; body: string; message: string } {
  const { from, to, undone } = rollback;
  const title =
    undone === undefined ? `Bring the data back to ${to.slice(0, SHORT)}` : `Revert “${cut(undone.subject)}”`;
  const what =
    undone === undefined
      ? `Brings the data back to what it was in ${codeSpan(to)}.`
      : `Undoes what ${codeSpan(undone.id)} (${codeSpan(cut(undone.subject))}) did to the data.`;
  const against = `Made against ${codeSpan(from)}: what was merged into the same files after it would be undone too.`;
  // Of a commit's subject nothing stands here: `[skip ci]` and `closes #5` would act in it.
  const message = `Bring the data back to ${to.slice(0, SHORT)}\n\nThe data is again what it was in ${to}.`;
  return { key: `rollback ${from} ${to}`, title, body: `${what} ${against}\n\n${plan}`, message };
}

/** The same by hand, for a POSIX shell. `paths`: of the data, as git takes them in the folder. */
export function rollbackCommands({ from, to, undone, branch }: Rollback, paths: readonly string[]): string[] {
  const remote = /^([A-Za-z0-9_.-]+)\//.exec(branch)?.[1] ?? 'origin';
  const back =
    undone === undefined
      ? [
          `git restore --source=${to} --staged --worktree -- ${paths.join(' ')}`,
          `git commit -m 'Bring the data back to ${to.slice(0, SHORT)}'`,
        ]
      : [`git revert --no-edit ${undone.isMerge ? '-m 1 ' : ''}${undone.id}`];
  return [`git switch -c rollback-${from.slice(0, SHORT)} ${from}`, ...back, `git push -u ${remote} HEAD`];
}

function cut(subject: string): string {
  const line = subject.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, ' ').trim();
  return line.length > SUBJECT_CHARS_MAX ? `${line.slice(0, SUBJECT_CHARS_MAX)}…` : line;
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
