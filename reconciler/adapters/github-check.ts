// The check run of a commit. Law: its external id is the hash of what it reports, so that a run which stopped between two pages of
// annotations goes on where it stopped, and one that is complete is left alone.
//
// GitHub adds annotations and never removes one. So a report that changed after it had annotations is a new run of the same name, which
// takes the place of the old one wherever GitHub shows checks.
// https://docs.github.com/en/rest/checks/runs#update-a-check-run
import { createHash } from 'node:crypto';
import { ANNOTATIONS_MAX, type Annotation, type Check, ForgeError, type Put } from '../ports/forge.ts';
import { CHECK_RUNS, type CheckRunAnswer, NUMBERED } from './github-answers.ts';
import type { GithubPlace } from './github-place.ts';
import { putCommitStatus } from './github-status.ts';
import { cleanText, cutText, oneLine } from './github-text.ts';

/** https://docs.github.com/en/rest/checks/runs#create-a-check-run */
const ANNOTATIONS_PER_REQUEST = 50;
const SUMMARY_CHARACTERS_MAX = 60_000;
const TITLE_CHARACTERS_MAX = 250;
/** GitHub takes 64 KB; a message is read in a diff. */
const MESSAGE_CHARACTERS_MAX = 4000;

export async function putCheck(place: GithubPlace, check: Check): Promise<Put> {
  if (check.annotations.length > ANNOTATIONS_MAX)
    throw new ForgeError('forge_invalid', `${check.annotations.length} annotations, of at most ${ANNOTATIONS_MAX}`);
  if (place.identity.appId === undefined) return putCommitStatus(place, asStatus(check));
  const report = reportOf(check);
  const old = await newestRun(place, check, place.identity.appId);
  if (old !== undefined && isComplete(old, report)) return 'unchanged';
  const isGoingOn = old?.external_id === report.hash;
  const isKept = old !== undefined && (isGoingOn || old.output.annotations_count === 0);
  const from = isGoingOn ? old.output.annotations_count : 0;
  const { id } = isKept ? await sendPage(place, old.id, report, from) : await createRun(place, check, report);
  for (let next = from + ANNOTATIONS_PER_REQUEST; next < report.annotations.length; next += ANNOTATIONS_PER_REQUEST)
    await sendPage(place, id, report, next);
  return isKept ? 'updated' : 'created';
}

interface Report {
  hash: string;
  title: string;
  summary: string;
  annotations: ReturnType<typeof asAnnotation>[];
  /** What the run says when all its annotations are there. */
  end: { status: 'in_progress' } | { status: 'completed'; conclusion: 'success' | 'neutral' | 'failure' };
}

function reportOf({ title, summary, annotations, outcome }: Check): Report {
  const said = {
    title: oneLine(title, TITLE_CHARACTERS_MAX),
    summary: cutText(cleanText(summary), SUMMARY_CHARACTERS_MAX),
    annotations: annotations.map(asAnnotation),
    end:
      outcome === 'running'
        ? ({ status: 'in_progress' } as const)
        : ({ status: 'completed', conclusion: outcome } as const),
  };
  return { ...said, hash: createHash('sha256').update(JSON.stringify(said)).digest('hex') };
}

async function newestRun(
  { client, where }: GithubPlace,
  check: Check,
  appId: number,
): Promise<CheckRunAnswer | undefined> {
  const { check_runs } = await client.ask(CHECK_RUNS, (api) =>
    api.checks.listForRef({ ...where, ref: check.commit, check_name: check.name, app_id: appId, filter: 'latest' }),
  );
  // "latest" is one per name; should there be several, the newest is shown.
  return check_runs.sort((a, b) => b.id - a.id)[0];
}

function isComplete(run: CheckRunAnswer, { hash, annotations, end }: Report): boolean {
  const isEnded = run.status === end.status && (end.status === 'in_progress' || run.conclusion === end.conclusion);
  return run.external_id === hash && isEnded && run.output.annotations_count >= annotations.length;
}

function createRun({ client, where }: GithubPlace, { name, commit }: Check, report: Report): Promise<{ id: number }> {
  return client.ask(NUMBERED, (api) => api.checks.create({ ...where, name, head_sha: commit, ...pageOf(report, 0) }));
}

function sendPage({ client, where }: GithubPlace, id: number, report: Report, from: number): Promise<{ id: number }> {
  return client.ask(NUMBERED, (api) => api.checks.update({ ...where, check_run_id: id, ...pageOf(report, from) }));
}

/** A run is not over before its last annotation: nobody should merge on half a report. */
function pageOf({ hash, title, summary, annotations, end }: Report, from: number) {
  const page = annotations.slice(from, from + ANNOTATIONS_PER_REQUEST);
  const isLast = from + page.length >= annotations.length;
  return {
    external_id: hash,
    output: { title, summary, annotations: page },
    ...(isLast ? end : ({ status: 'in_progress' } as const)),
  };
}

function asAnnotation({ path, startLine, endLine, startColumn, endColumn, level, title, message }: Annotation) {
  const isOneLine = startLine === endLine;
  return {
    path: oneLine(path, MESSAGE_CHARACTERS_MAX),
    start_line: startLine,
    end_line: endLine,
    // GitHub refuses columns of a place that spans lines.
    ...(isOneLine && startColumn !== undefined ? { start_column: startColumn } : {}),
    ...(isOneLine && endColumn !== undefined ? { end_column: endColumn } : {}),
    annotation_level: level,
    title: oneLine(title, TITLE_CHARACTERS_MAX),
    message: cutText(cleanText(message), MESSAGE_CHARACTERS_MAX),
  };
}

function asStatus({ commit, name, outcome, title, summary }: Check) {
  const state = outcome === 'running' ? 'pending' : outcome === 'failure' ? 'failure' : 'success';
  const firstLine = summary.split('\n').find((line) => line.trim() !== '') ?? title;
  return { commit, name, state, description: firstLine } as const;
}
