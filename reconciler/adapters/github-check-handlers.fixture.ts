// Check runs of the double: only an App may write them, only the App that made one may change it, and annotations are only ever added.
import { checkRunBody } from './github-bodies.fixture.ts';
import type { JsonObject } from './github-description.fixture.ts';
import { type Handlers, notFound, refused } from './github-handler.fixture.ts';
import type { KeptCheckRun } from './github-state.fixture.ts';

export const CHECK_HANDLERS: Handlers = {
  'get /repos/{owner}/{repo}/commits/{ref}/check-runs'({ state }, { parameters, query }) {
    const all = state.checkRuns.filter(
      (run) => run.head_sha === parameters.ref && run.name === query.get('check_name'),
    );
    const ofApp = all.filter(({ appId }) => appId === Number(query.get('app_id')));
    const latest = ofApp.slice(-1);
    return { status: 200, body: { total_count: latest.length, check_runs: latest.map(checkRunBody) } };
  },

  async 'post /repos/{owner}/{repo}/check-runs'({ state, repository }, { body, who }) {
    if (who.kind !== 'app') return refused(403, 'You must authenticate via a GitHub App.');
    if (!(await repository.has(String(body.head_sha))))
      return refused(422, `No commit found for SHA: ${body.head_sha}`);
    const run: KeptCheckRun = {
      ...{ id: state.newId(), appId: who.id, name: String(body.name), head_sha: String(body.head_sha) },
      ...{ status: 'queued', conclusion: null, external_id: '', title: '', summary: '', annotations: [] },
    };
    state.checkRuns.push(run);
    changeCheckRun(run, body);
    return { status: 201, body: checkRunBody(run) };
  },

  'patch /repos/{owner}/{repo}/check-runs/{check_run_id}'({ state }, { parameters, body, who }) {
    const run = state.checkRuns.find(({ id }) => id === Number(parameters.check_run_id));
    if (run === undefined) return notFound();
    if (run.appId !== who.id)
      return refused(403, 'Invalid app_id - check run can only be modified by the GitHub App that created it.');
    changeCheckRun(run, body);
    return { status: 200, body: checkRunBody(run) };
  },
};

function changeCheckRun(run: KeptCheckRun, body: JsonObject): void {
  const output = body.output as { title: string; summary: string; annotations: JsonObject[] };
  run.status = String(body.status ?? run.status);
  run.conclusion =
    body.conclusion === undefined ? (run.status === 'completed' ? run.conclusion : null) : String(body.conclusion);
  run.external_id = String(body.external_id ?? run.external_id);
  run.title = output.title;
  run.summary = output.summary;
  // "GitHub appends": it never replaces.
  run.annotations.push(...output.annotations);
}
